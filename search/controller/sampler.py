"""The controller: a recurrent policy that proposes networks, and a critic that screens what it proposes.

*Actor.* An LSTM emits one decision after another (``search.controller.policy``; Zoph and Le 2017). After every
``BATCH`` results it takes a step of REINFORCE (Williams 1992) with the rewards' median as baseline and an
entropy bonus, or of PPO (Schulman et al. 2017). Rewards are brought to a robust scale (``search.controller.rewards``), and
each step also imitates some of the best networks so far, in proportion to their scores (priority queue
training, Abolafia et al. 2018): with a few hundred evaluations the plain gradient is too noisy by itself.

*Proposals.* For each suggestion a pool is drawn: whole sequences from the policy, at several temperatures, and
the best networks so far with some decisions drawn anew from the policy. The critic (``search.controller.critic``) ranks
the pool by mean + uncertainty; with several objectives by the hypervolume that the network would add. The loop takes
the first that is within budget and was never measured.

Both parts are functions of the settings, the seed and the told trials in order, and neither grows with
their number. No setting here was chosen for one table.
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
"""A pool needs so many rows that were never begun, else it is drawn again at so many times the temperature."""
SHARES, THERMOSTAT = (0.4, 0.7), 1.15
"""After each step of the policy the temperature is turned by this factor if a pool's share of new rows is outside."""
EXPLORATION = 2.0
"""How many standard deviations of the critic's uncertainty are added to its mean (an upper confidence bound)."""


class ControllerSampler:
    """Proposes and is told; see the module's text. ``algorithm`` is ``reinforce`` or ``ppo``."""

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
        """The pool, best first; further pools, ever more random, where all of it was refused."""
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
                pool, temperature = self._fresh_pool(view, rng, temperature)
                order = np.argsort(-self._score(view, pool), kind="stable")
            for index in order:
                yield self.encoding.assignment(pool[index])
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
        """The trials that are looked at: the best, and the newest of the others, ``CAPACITY`` in all once there are."""
        # Of a front larger than what fits, the oldest members give way.
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
        """Indices of the trials on the front, kept up by one comparison of the new with the old front."""
        seen, members = self._front_state
        fresh = [i for i in range(seen, len(self._results)) if self._results[i].values is not None]
        candidates = [*members, *fresh]
        if fresh:
            points = np.array([self._results[i].values for i in candidates])
            on = front(points, ["maximize"] * self._objectives)
            members = [i for i, kept in zip(candidates, on, strict=True) if kept]
        self._front_state = (len(self._results), members)
        return members

    def _fresh_pool(self, view: _View, rng: np.random.Generator, temperature: float) -> tuple[Ints, float]:
        """Rows that were never begun, and the temperature at which enough of them were found.

        Where most of what the policy says was measured before, it is asked again, hotter, before the critic
        spends anything.
        """
        for _ in range(ATTEMPTS):
            pool = self._pool(view, rng, temperature)
            fresh = [row.tobytes() not in self._known for row in pool]
            if sum(fresh) >= ENOUGH:
                break
            temperature *= WARMING
        return (pool[fresh], temperature) if any(fresh) else (pool, temperature)

    def _pool(self, view: _View, rng: np.random.Generator, temperature: float) -> Ints:
        """Distinct rows: samples of the policy, and the best networks with decisions drawn anew."""
        order = np.argsort(-view.score, kind="stable")[:ELITES]
        # Geometric in rank: the best is varied most often.
        parents = view.rows[order[np.minimum(rng.geometric(0.25, VARIED) - 1, len(order) - 1)]]
        redraw = self._redraw(parents, rng, temperature)
        kept = np.full((SAMPLED + VARIED, parents.shape[1]), -1)
        kept[SAMPLED:] = np.where(redraw, -1, parents)
        temperatures = np.concatenate([rng.choice(TEMPERATURES, SAMPLED), np.full(VARIED, 2.0)]) * temperature
        return np.unique(self.policy.complete(kept, rng, temperatures), axis=0)

    def _redraw(self, parents: Ints, rng: np.random.Generator, temperature: float) -> NDArray[np.bool_]:
        """Which decisions of each parent are drawn anew: on average one to four of the active ones."""
        active = parents >= 0
        wanted = rng.integers(1, 5, len(parents))[:, None] * temperature
        return np.asarray((rng.random(parents.shape) * active.sum(axis=1, keepdims=True) < wanted) & active)

    def _score(self, view: _View, pool: Ints) -> Floats:
        """What the critic hopes of each row of the pool."""
        pending = np.array([self._rows[n] for n in self._pending]).reshape(-1, pool.shape[1])
        scale = RewardScale.of(view.values)
        critic = Critic(self.encoding, view.rows, scale.apply(view.values), pending)
        mean, uncertainty = critic.predict(pool)
        if self._objectives == 1:
            return np.asarray(mean[:, 0] + EXPLORATION * uncertainty)
        hoped = mean.copy()
        hoped[:, 0] += EXPLORATION * uncertainty
        return _added_volume(view.values, scale.undo(hoped))

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
        """Keeps a fair share of what is drawn new, however long the search goes on."""
        rng = np.random.default_rng(
            seed_of(self._seed, "heat", self._updates)
        )  # the word is part of the seed
        pool = self._pool(view, rng, self._temperature)
        share = sum(row.tobytes() not in self._known for row in pool) / (SAMPLED + VARIED)
        if share < SHARES[0]:
            self._temperature *= THERMOSTAT
        elif share > SHARES[1]:
            self._temperature = max(1.0, self._temperature / THERMOSTAT)


class _View:
    """Some trials: their rows, values and scores, in order of telling."""

    def __init__(self, rows: Ints, values: Floats) -> None:
        self.rows, self.values = rows, values
        self.score = score(values)


def _added_volume(values: Floats, hoped: Floats) -> Floats:
    """How much hypervolume each hoped-for point adds to the front of ``values``; all are maximised.

    The reference point is the worst value of each objective. Points that add nothing are ordered by how far
    they are from adding something, below all others.
    """
    directions = ["maximize"] * values.shape[1]
    reference = values.min(axis=0)
    scale = np.where(np.ptp(values, axis=0) > 0, np.ptp(values, axis=0), 1.0)
    points, hoped = (values - reference) / scale, (hoped - reference) / scale
    members = points[front(points, directions)]
    zero = np.zeros(points.shape[1])
    own = hypervolume(members, directions, zero)
    added = np.array(
        [hypervolume(np.vstack([members, point]), directions, zero) - own for point in np.maximum(hoped, 0)]
    )
    behind = (hoped[:, None, :] - members[None]).min(axis=2).min(axis=1)
    return np.where(added > 1e-12, added, np.minimum(behind, 0) - 1e-9)
