"""The reinforcement-learned controller: one agent that goes on, and others that start afresh where it is stuck.

A model that was fitted around one optimum expects too little of another, and only measurements there can tell it. So when the
main agent (``search.controller.agent``) has found nothing better for some time, most suggestions come from an agent that knows
nothing but what it found itself; when that one is stuck too, from another one, as local search does with its starts. The
main agent sees all results: what another one finds that is better, it goes on from, and the other one is dropped. With several
objectives this is so for the suggestions that seek the accurate end of the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from results.trial_result import TrialResult
from search.controller.agent import Agent
from search.controller.critics import wants_accurate_end
from search.encoding import Encoding
from search.prior.score_mean import ScoreModel
from search.samplers.protocol import seed_of
from search.transfer.experience import Experience
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

if TYPE_CHECKING:
    from search.prior.network_scores import NetworkScores

ALGORITHMS = ("reinforce", "ppo")
PARTS = ("both", "policy", "critic")
STALE, STALE_SHARE = 1.0, 0.4
"""The main agent is stuck when so many results, times the neighbours of the best network, and so large a share of all before,
brought nothing better."""
FRESH_STALE, FRESH_SHARE = 0.5, 0.33
"""The same for one that started afresh."""
FEWEST = 12
"""Neighbours of a network that has fewer."""
FRESH = 0.6
"""Share of the suggestions that come from a fresh agent then."""


class ControllerSampler:
    """The sampler that this module describes. ``algorithm`` is ``reinforce`` or ``ppo``, ``parts`` one of ``PARTS``."""

    novel = True
    learns = True
    patience: int | None = 1000

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        objectives: int = 1,
        algorithm: str = "reinforce",
        parts: str = "both",
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise InputError.of("algorithm", " or ".join(ALGORITHMS), algorithm)
        if parts not in PARTS:
            raise InputError.of("parts", ", ".join(PARTS), parts)
        self._seed, self._objectives = seed, objectives
        self._algorithm, self._parts = algorithm, parts
        self.encoding = Encoding(space)
        self.agent = Agent(self.encoding, seed, objectives, algorithm, parts)
        self._fresh: Agent | None = None
        self._started = 0
        self._owners: dict[int, Agent] = {}

    def inherit(self, experiences: Sequence[Experience]) -> None:
        """Starts from what other studies found; to be called before anything is proposed or told."""
        self.agent.inherit(experiences)

    def inform(self, scores: NetworkScores) -> None:
        """Uses these scores of networks from the start; to be called before anything is proposed or told."""
        self.agent.scores = ScoreModel(self.encoding, scores, self._seed)

    def propose(self, number: int) -> Iterator[Decisions]:
        """Ranked proposals, best first."""
        yield from (self._fresh_agent() if self._is_fresh(number) else self.agent).propose(number)

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is under measurement."""
        # A network that was known before, as that of a repeat is, tells a fresh agent what it is not to know.
        known = self.encoding.row(decisions).tobytes() in self.agent.history.known
        if self._is_fresh(number) and not known:
            agent = self._fresh_agent()
            if agent is not self._fresh:
                self._fresh, self._started = agent, self._started + 1
            agent.begin(number, decisions)
            self._owners[number] = agent
        self.agent.begin(number, decisions)

    def tell(self, result: TrialResult) -> None:
        """Remembers the result."""
        owner = self._owners.pop(result.number, None)
        if owner is not None:
            owner.tell(result)
        self.agent.tell(result)

    def _is_fresh(self, number: int) -> bool:
        """Whether trial ``number`` is a fresh agent's."""
        if self._objectives > 1 and not wants_accurate_end(number):
            return False
        # Multiples of an irrational number, modulo 1, are spread evenly, whatever the share.
        return _is_stuck(self.agent, STALE, STALE_SHARE) and number * 0.7548776662466927 % 1 < FRESH

    def _fresh_agent(self) -> Agent:
        """The fresh agent at work, or the next one."""
        if self._fresh is not None and not _is_stuck(self._fresh, FRESH_STALE, FRESH_SHARE):
            return self._fresh
        return Agent(
            self.encoding,
            seed_of(self._seed, "fresh", self._started),
            self._objectives,
            self._algorithm,
            self._parts,
            self.agent.history.known,
            self.agent.scores,
        )


def _is_stuck(agent: Agent, stale: float, share: float) -> bool:
    history = agent.history
    before = len(history) - history.stale
    return before > 0 and history.stale >= max(stale * max(history.neighbours, FEWEST), share * before)
