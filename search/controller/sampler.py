"""The controller: a recurrent policy that proposes networks, and a critic that ranks the proposals.

*Actor.* An LSTM emits one decision after another (``search.controller.policy``; Zoph and Le 2017). After every
``BATCH`` results it takes a step of REINFORCE (Williams 1992) with the rewards' median as baseline and an
entropy bonus, or of PPO (Schulman et al. 2017). Rewards are brought to a robust scale (``search.controller.rewards``), and
each step also imitates some of the best networks so far, in proportion to their scores (priority queue
training, Abolafia et al. 2018): with a few hundred evaluations the gradient alone is too noisy.

*Proposals.* For each suggestion, proposals are drawn: whole sequences from the policy, at several temperatures, and
the best networks so far with some decisions drawn again from the policy. The critic (``search.controller.critic``) ranks
them by mean + uncertainty; with several objectives by the hypervolume that the network would add. The loop takes
the first one that is within budget and was never measured.

Both parts are functions of the settings, the seed and the results in order, and the cost of neither grows with the
number of results. No setting here was chosen for one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from results.pareto import front, hypervolume
from results.trial_result import TrialResult
from search.controller.blas import one_blas_thread
from search.controller.critic import CAPACITY, Critic
from search.controller.policy import Policy
from search.controller.rewards import RewardScale
from search.encoding import Encoding, Floats, Ints
from search.history import History, View
from search.samplers.protocol import seed_of
from search.transfer.experience import Experience
from search.transfer.inheritance import LESSONS, Inheritance
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

ALGORITHMS = ("reinforce", "ppo")
STARTUP = 6
"""Suggestions drawn from the untrained, near uniform policy before the critic is asked."""
BATCH, IMITATED = 4, 12
ENTROPY, ENTROPY_HALF_LIFE = 0.05, 100
PPO_EPOCHS = 4
SAMPLED, VARIED, ELITES = 64, 64, 16
TEMPERATURES = (1.0, 1.5, 2.5)
ENOUGH, ATTEMPTS, WARMING = 24, 6, 1.6
"""Proposals are drawn up to ATTEMPTS times, each at WARMING times the temperature, until ENOUGH of them are new."""
SHARES, THERMOSTAT = (0.4, 0.7), 1.15
"""After each step of the policy the temperature changes by THERMOSTAT if the share of new proposals is outside SHARES."""
EXPLORATION = 2.0
"""How many standard deviations of the critic's uncertainty are added to its mean (an upper confidence bound)."""


class ControllerSampler:
    """The sampler that this module describes. ``algorithm`` is ``reinforce`` or ``ppo``."""

    novel = True
    learns = True
    patience: int | None = 1000

    def __init__(
        self, space: SearchSpace, seed: int, objectives: int = 1, algorithm: str = "reinforce"
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise InputError.of("algorithm", " or ".join(ALGORITHMS), algorithm)
        self._seed, self._objectives, self._algorithm = seed, objectives, algorithm
        self.encoding = Encoding(space)
        self.policy = Policy(self.encoding, seed_of(seed, "policy"))
        self._history = History(self.encoding, objectives, CAPACITY)
        self._inherited: Inheritance | None = None
        self._temperature = 1.0
        self._updates = 0

    def inherit(self, experiences: Sequence[Experience]) -> None:
        """Starts from what other studies found; to be called before anything is proposed or told."""
        with one_blas_thread():
            self._inherited = Inheritance(self.encoding, experiences)

    def propose(self, number: int) -> Iterator[Decisions]:
        """Ranked proposals, best first; if all are refused, more are drawn at higher temperatures."""
        rng = np.random.default_rng(seed_of(self._seed, "controller", number))
        if len(self._history) < STARTUP:
            while True:
                with one_blas_thread():
                    rows = self._first(number, rng)
                yield from map(self.encoding.assignment, rows)
        view = self._history.view()
        temperature = self._temperature
        for _ in range(100):
            with one_blas_thread():
                proposals, temperature = self._new_proposals(view, rng, temperature)
                order = np.argsort(-self._score(view, proposals), kind="stable")
            for index in order:
                yield self.encoding.assignment(proposals[index])
            temperature *= WARMING

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is under measurement."""
        self._history.begin(number, decisions)

    def tell(self, result: TrialResult) -> None:
        """Remembers the result; every ``BATCH`` results the policy takes a step."""
        self._history.tell(result)
        if len(self._history) % BATCH == 0:
            with one_blas_thread():
                self._learn()

    def _first(self, number: int, rng: np.random.Generator) -> Ints:
        """Proposals before the critic is asked.

        With experience, every other one is what the other studies expect most of; between them are uniform draws, for what
        a study is worth shows only in networks of which it expects more and less.
        """
        if self._inherited is None:
            return self.policy.sample(16, rng)
        if number % 2:
            return self.encoding.complete(np.full((16, len(self.encoding.decisions)), -1), rng)
        return self._inherited.first(self.policy.sample(SAMPLED, rng), self._history, rng)

    def _new_proposals(self, view: View, rng: np.random.Generator, temperature: float) -> tuple[Ints, float]:
        """Rows that were never suggested, and the temperature at which enough of them were found.

        If most of what the policy proposes was suggested before, it is asked again at a higher temperature, before
        the critic ranks anything.
        """
        for _ in range(ATTEMPTS):
            rows = self._proposals(view, rng, temperature)
            new = [row.tobytes() not in self._history.known for row in rows]
            if sum(new) >= ENOUGH:
                break
            temperature *= WARMING
        return (rows[new], temperature) if any(new) else (rows, temperature)

    def _proposals(self, view: View, rng: np.random.Generator, temperature: float) -> Ints:
        """Distinct rows: samples of the policy, and the best networks with some decisions drawn again."""
        order = np.argsort(-view.score, kind="stable")[:ELITES]
        # Geometric in rank: the best is varied most often.
        parents = view.rows[order[np.minimum(rng.geometric(0.25, VARIED) - 1, len(order) - 1)]]
        redraw = self._redraw(parents, rng, temperature)
        kept = np.full((SAMPLED + VARIED, parents.shape[1]), -1)
        kept[SAMPLED:] = np.where(redraw, -1, parents)
        temperatures = np.concatenate([rng.choice(TEMPERATURES, SAMPLED), np.full(VARIED, 2.0)]) * temperature
        rows = self.policy.complete(kept, rng, temperatures)
        if self._inherited is not None:
            rows = np.concatenate([rows, self._inherited.best])
        return np.unique(rows, axis=0)

    def _redraw(self, parents: Ints, rng: np.random.Generator, temperature: float) -> NDArray[np.bool_]:
        """Which decisions of each parent are drawn again: on average one to four of the active ones."""
        active = parents >= 0
        wanted = rng.integers(1, 5, len(parents))[:, None] * temperature
        return np.asarray((rng.random(parents.shape) * active.sum(axis=1, keepdims=True) < wanted) & active)

    def _score(self, view: View, proposals: Ints) -> Floats:
        """The critic's score of each row: higher is more promising."""
        pending = self._history.pending
        scale = RewardScale.of(view.values)
        targets = scale.apply(view.values)
        if self._inherited is None:
            mean, uncertainty = Critic(self.encoding, view.rows, targets, pending).predict(proposals)
        else:
            expected = self._inherited.prior_mean.given(view.rows, targets[:, 0])
            targets[:, 0] -= expected(view.rows)
            mean, uncertainty = Critic(self.encoding, view.rows, targets, pending).predict(proposals)
            mean[:, 0] += expected(proposals)
        if self._objectives == 1:
            return np.asarray(mean[:, 0] + EXPLORATION * uncertainty)
        optimistic = mean.copy()
        optimistic[:, 0] += EXPLORATION * uncertainty
        return _added_volume(view.values, scale.undo(optimistic))

    def _learn(self) -> None:
        """One step on the newest batch and on some of the best."""
        view = self._history.view()
        rewards = (
            4 * (view.score - 0.5)
            if self._objectives > 1
            else RewardScale.of(view.values).apply(view.values)[:, 0]
        )
        newest = np.arange(len(view.rows) - min(BATCH, len(view.rows)), len(view.rows))
        best = np.argsort(-view.score, kind="stable")[:IMITATED]
        rows = view.rows[np.concatenate([newest, best])]
        advantages = np.concatenate([np.clip(rewards[newest], -2, 2), view.score[best] ** 2])
        if self._inherited is not None and self._updates < LESSONS:
            targets = RewardScale.of(view.values).apply(view.values)[:, 0]
            rng = np.random.default_rng(seed_of(self._seed, "lesson", self._updates))
            taught, shares = self._inherited.lesson(view.rows, targets, rng)
            rows, advantages = np.concatenate([rows, taught]), np.concatenate([advantages, shares])
        entropy = ENTROPY * 0.5 ** (self._updates * BATCH / ENTROPY_HALF_LIFE) + 0.005
        self._updates += 1
        if self._algorithm == "reinforce":
            self.policy.update(rows, advantages, entropy)
        else:
            old = self.policy.log_probabilities(rows)
            for _ in range(PPO_EPOCHS):
                self.policy.update(rows, advantages, entropy, old)
        self._regulate(view)

    def _regulate(self, view: View) -> None:
        """Adjusts the temperature so that a share of the proposals stays new, however long the search is."""
        # The word "heat" is part of the seed: another one would change every suggestion.
        rng = np.random.default_rng(seed_of(self._seed, "heat", self._updates))
        rows = self._proposals(view, rng, self._temperature)
        share = sum(row.tobytes() not in self._history.known for row in rows) / (SAMPLED + VARIED)
        if share < SHARES[0]:
            self._temperature *= THERMOSTAT
        elif share > SHARES[1]:
            self._temperature = max(1.0, self._temperature / THERMOSTAT)


def _added_volume(values: Floats, expected: Floats) -> Floats:
    """How much hypervolume each expected point would add to the front of ``values``; all are maximised.

    The reference point is the worst value of each objective. Points that add nothing come below all others, in
    the order of their distance from adding something.
    """
    directions = ["maximize"] * values.shape[1]
    reference = values.min(axis=0)
    scale = np.where(np.ptp(values, axis=0) > 0, np.ptp(values, axis=0), 1.0)
    points, expected = (values - reference) / scale, (expected - reference) / scale
    members = points[front(points, directions)]
    zero = np.zeros(points.shape[1])
    own = hypervolume(members, directions, zero)
    added = np.array(
        [
            hypervolume(np.vstack([members, point]), directions, zero) - own
            for point in np.maximum(expected, 0)
        ]
    )
    behind = (expected[:, None, :] - members[None]).min(axis=2).min(axis=1)
    return np.where(added > 1e-12, added, np.minimum(behind, 0) - 1e-9)
