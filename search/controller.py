"""The controller: a recurrent policy over the decisions, trained by REINFORCE or PPO."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from search.policy import Encoding, Policy
from search.searcher import Told, seed_of
from space.search_space import Decisions, SearchSpace


class ControllerSearcher:
    novel = True
    learns = True
    patience: int | None = 512

    def __init__(self, space: SearchSpace, seed: int, objectives: int = 1, algorithm: str = "reinforce"):
        self._space, self._seed, self._algorithm = space, seed, algorithm
        self.encoding = Encoding(space)
        self.policy = Policy(self.encoding, seed_of(seed, "policy"))
        self._rows: list = []
        self._values: list = []

    def propose(self, number: int) -> Iterator[Decisions]:
        rng = np.random.default_rng(seed_of(self._seed, "controller", number))
        while True:
            for row in self.policy.sample(16, rng):
                yield self.encoding.assignment(row)

    def begin(self, number: int, decisions: Decisions) -> None:
        pass

    def tell(self, told: Told) -> None:
        self._rows.append(self.encoding.row(told.decisions))
        self._values.append(told.values[0] if told.values else np.nan)
        if len(self._rows) % 4 == 0:
            v = np.array(self._values)
            recent = v[-4:]
            ok = ~np.isnan(recent)
            if ok.any():
                med = np.nanmedian(v)
                spread = np.nanmedian(abs(v - med)) * 1.4826 + 1e-9
                adv = np.clip((recent - med) / spread, -2, 2)
                self.policy.update(np.array(self._rows[-4:])[ok], adv[ok], 0.01)
