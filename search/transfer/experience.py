"""What a search takes over from another study: its networks and how good each was beside the others.

It is kept with the new study when that is made, so what happens to the other study later changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np

from search.controller.rewards import RewardScale
from search.encoding import Encoding, Floats, Ints
from space.errors import InputError
from space.search_space import Decisions

CAPACITY = 256
"""Networks that are taken over from one study, at most."""


@dataclass(frozen=True, eq=False)
class Experience:
    """Networks as rows of option positions, −1 where inactive, and their ``scores`` of order 1; higher is better.

    ``study`` says where they are from, ``left_out`` how many of its networks the space that is searched does not have. The scale of the scores is the study's own (``search.controller.rewards``), so
    accuracies on other images or with other budgets can be compared.
    """

    study: str
    rows: Ints
    scores: Floats
    left_out: int = 0

    @classmethod
    def of(
        cls,
        study: str,
        encoding: Encoding,
        networks: Sequence[Decisions],
        values: Sequence[float],
        left_out: int = 0,
    ) -> Experience:
        """The experience of ``networks`` whose values, to be maximised, are ``values``.

        Of more than ``CAPACITY`` networks, the better half of these are the best, the others are evenly spread over the rest.
        """
        order = np.argsort(-np.asarray(values), kind="stable")
        if len(order) > CAPACITY:
            best, rest = order[: CAPACITY // 2], order[CAPACITY // 2 :]
            spread = np.linspace(0, len(rest) - 1, CAPACITY - CAPACITY // 2).round().astype(int)
            order = np.concatenate([best, rest[spread]])
        chosen = np.array(values, dtype=np.float64)[order][:, None]
        rows = np.array([encoding.row(networks[i]) for i in order])
        scores = RewardScale.of(chosen).apply(chosen)[:, 0]
        return cls(study, rows, np.round(scores, 6), left_out)

    @property
    def best(self) -> Ints:
        """The rows, the best first."""
        return self.rows[np.argsort(-self.scores, kind="stable")]

    @property
    def checksum(self) -> str:
        """Of rows and scores."""
        content = json.dumps([self.rows.tolist(), self.scores.tolist()])
        return blake2b(content.encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a study: some 40 kB at most for a space of 60 decisions, which every database takes."""
        return {
            "study": self.study,
            "networks": len(self.rows),
            "left_out": self.left_out,
            "checksum": self.checksum,
            "rows": [" ".join(map(str, row)) for row in self.rows.tolist()],
            "scores": self.scores.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """From what ``to_json`` wrote. Raises InputError where that was changed."""
        rows, scores = [[int(n) for n in row.split()] for row in stored["rows"]], stored["scores"]
        left_out = int(stored.get("left_out", 0))
        found = cls(
            stored["study"], np.array(rows, dtype=np.int64), np.array(scores, dtype=np.float64), left_out
        )
        if found.checksum != stored["checksum"]:
            wanted = f"the networks of checksum {stored['checksum']}"
            raise InputError.of(f"learn_from: what is kept of study {found.study!r}", wanted, found.checksum)
        return found
