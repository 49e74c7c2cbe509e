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

from bisect import insort
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from results.pareto import front, hypervolume
from results.trial_result import TrialResult
from search.controller.blas import one_blas_thread
from search.controller.critic import CAPACITY, Critic
from search.controller.policy import Encoding, Floats, Ints, Policy
from search.controller.rewards import RewardScale, score, values_of
from search.samplers.protocol import seed_of
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
        self._results: list[TrialResult] = []
        self._rows: dict[int, Ints] = {}
        self._pending: dict[int, None] = {}
        self._best: list[tuple[float, int]] = []
        self._known: set[bytes] = set()
        self._temperature = 1.0
        self._updates = 0
        self._front_state: tuple[int, list[int]] = (0, [])

    def propose(self, number: int) -> Iterator[Decisions]:
        """Ranked proposals, best first; if all are refused, more are drawn at higher temperatures."""
        rng = np.random.default_rng(seed_of(self._seed, "controller", number))
        if len(self._results) < STARTUP:
            while True:
                with one_blas_thread():
                    rows = self.policy.sample(16, rng)
                yield from map(self.encoding.assignment, rows)
        view = self._view()
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
        self._rows[number] = self.encoding.row(decisions)
        self._pending[number] = None
        self._known.add(self._rows[number].tobytes())

    def tell(self, result: TrialResult) -> None:
        """Remembers the result; every ``BATCH`` results the policy takes a step."""
        self._pending.pop(result.number, None)
        self._results.append(result)
        if result.values is not None and self._objectives == 1:
            insort(self._best, (-result.values[0], len(self._results) - 1))
            if len(self._best) > CAPACITY // 2:
                self._best.pop()
        if len(self._results) % BATCH == 0:
            with one_blas_thread():
                self._learn()

    def _view(self) -> _View:
        """The trials that both parts learn from: the best, and the newest of the others, at most ``CAPACITY``."""
        # Of a front with more members than that, the oldest are left out.
        best = (
            [index for _, index in self._best] if self._objectives == 1 else self._front()[-CAPACITY // 2 :]
        )
        chosen = set(best)
        for index in range(len(self._results) - 1, -1, -1):
            if len(chosen) == CAPACITY:
                break
            chosen.add(index)
        trials = [self._results[i] for i in sorted(chosen)]
        rows = np.array([self._rows[t.number] for t in trials])
        return _View(rows, values_of(trials, self._objectives))

    def _front(self) -> list[int]:
        """Indices of the trials on the front, updated by comparing the new trials with the old front."""
        seen, members = self._front_state
        fresh = [i for i in range(seen, len(self._results)) if self._results[i].values is not None]
        candidates = [*members, *fresh]
        if fresh:
            points = np.array([self._results[i].values for i in candidates])
            on = front(points, ["maximize"] * self._objectives)
            members = [i for i, kept in zip(candidates, on, strict=True) if kept]
        self._front_state = (len(self._results), members)
        return members

    def _new_proposals(self, view: _View, rng: np.random.Generator, temperature: float) -> tuple[Ints, float]:
        """Rows that were never suggested, and the temperature at which enough of them were found.

        If most of what the policy proposes was suggested before, it is asked again at a higher temperature, before
        the critic ranks anything.
        """
        for _ in range(ATTEMPTS):
            rows = self._proposals(view, rng, temperature)
            new = [row.tobytes() not in self._known for row in rows]
            if sum(new) >= ENOUGH:
                break
            temperature *= WARMING
        return (rows[new], temperature) if any(new) else (rows, temperature)

    def _proposals(self, view: _View, rng: np.random.Generator, temperature: float) -> Ints:
        """Distinct rows: samples of the policy, and the best networks with some decisions drawn again."""
        order = np.argsort(-view.score, kind="stable")[:ELITES]
        # Geometric in rank: the best is varied most often.
        parents = view.rows[order[np.minimum(rng.geometric(0.25, VARIED) - 1, len(order) - 1)]]
        redraw = self._redraw(parents, rng, temperature)
        kept = np.full((SAMPLED + VARIED, parents.shape[1]), -1)
        kept[SAMPLED:] = np.where(redraw, -1, parents)
        temperatures = np.concatenate([rng.choice(TEMPERATURES, SAMPLED), np.full(VARIED, 2.0)]) * temperature
        return np.unique(self.policy.complete(kept, rng, temperatures), axis=0)

    def _redraw(self, parents: Ints, rng: np.random.Generator, temperature: float) -> NDArray[np.bool_]:
        """Which decisions of each parent are drawn again: on average one to four of the active ones."""
        active = parents >= 0
        wanted = rng.integers(1, 5, len(parents))[:, None] * temperature
        return np.asarray((rng.random(parents.shape) * active.sum(axis=1, keepdims=True) < wanted) & active)

    def _score(self, view: _View, proposals: Ints) -> Floats:
        """The critic's score of each row: higher is more promising."""
        pending = np.array([self._rows[n] for n in self._pending]).reshape(-1, proposals.shape[1])
        scale = RewardScale.of(view.values)
        critic = Critic(self.encoding, view.rows, scale.apply(view.values), pending)
        mean, uncertainty = critic.predict(proposals)
        if self._objectives == 1:
            return np.asarray(mean[:, 0] + EXPLORATION * uncertainty)
        optimistic = mean.copy()
        optimistic[:, 0] += EXPLORATION * uncertainty
        return _added_volume(view.values, scale.undo(optimistic))

    def _learn(self) -> None:
        """One step on the newest batch and on some of the best."""
        view = self._view()
        rewards = (
            4 * (view.score - 0.5)
            if self._objectives > 1
            else RewardScale.of(view.values).apply(view.values)[:, 0]
        )
        newest = np.arange(len(view.rows) - min(BATCH, len(view.rows)), len(view.rows))
        best = np.argsort(-view.score, kind="stable")[:IMITATED]
        rows = view.rows[np.concatenate([newest, best])]
        advantages = np.concatenate([np.clip(rewards[newest], -2, 2), view.score[best] ** 2])
        entropy = ENTROPY * 0.5 ** (self._updates * BATCH / ENTROPY_HALF_LIFE) + 0.005
        self._updates += 1
        if self._algorithm == "reinforce":
            self.policy.update(rows, advantages, entropy)
        else:
            old = self.policy.log_probabilities(rows)
            for _ in range(PPO_EPOCHS):
                self.policy.update(rows, advantages, entropy, old)
        self._regulate(view)

    def _regulate(self, view: _View) -> None:
        """Adjusts the temperature so that a share of the proposals stays new, however long the search is."""
        # The word "heat" is part of the seed: another one would change every suggestion.
        rng = np.random.default_rng(seed_of(self._seed, "heat", self._updates))
        rows = self._proposals(view, rng, self._temperature)
        share = sum(row.tobytes() not in self._known for row in rows) / (SAMPLED + VARIED)
        if share < SHARES[0]:
            self._temperature *= THERMOSTAT
        elif share > SHARES[1]:
            self._temperature = max(1.0, self._temperature / THERMOSTAT)


class _View:
    """Some trials: their rows, values and scores, in the order of their results."""

    def __init__(self, rows: Ints, values: Floats) -> None:
        self.rows, self.values = rows, values
        self.score = score(values)


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
