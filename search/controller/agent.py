"""An agent of the controller: a recurrent policy that proposes networks, and critics that rank the proposals.

*Actor.* An LSTM emits one decision after another (``search.controller.policy``; Zoph and Le 2017). After every
``BATCH`` results it takes a step of REINFORCE (Williams 1992) with the rewards' median as baseline and an
entropy bonus, or of PPO (Schulman et al. 2017). Rewards are brought to a robust scale (``search.controller.rewards``), and
each step also imitates some of the best networks so far, in proportion to their scores (priority queue
training, Abolafia et al. 2018): with a few hundred evaluations the gradient alone is too noisy.

*Proposals.* For each suggestion, proposals are drawn: whole sequences from the policy, at several temperatures; the
best networks so far with some decisions drawn again from the policy; and networks without the policy, uniform ones and
mutations of the best, so that none is out of reach however sure the policy is. The critics (``search.controller.critics``)
rank them.

*Parts.* For measuring what each part is worth, the policy can propose without critics, and the critics rank proposals that
are drawn without a policy.

Everything is a function of the settings, the seed and the results in order, and the cost of a suggestion does not grow with
the number of results. No setting here was chosen for one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from results.trial_result import TrialResult
from search.controller.blas import one_blas_thread
from search.controller.critics import CAPACITY, Critics, Mean, rewards_of
from search.controller.policy import Policy
from search.encoding import Encoding, Ints
from search.history import History, View
from search.prior.score_mean import ScoreModel, nothing
from search.samplers.protocol import seed_of
from search.transfer.experience import Experience
from search.transfer.inheritance import LESSONS, Inheritance
from space.search_space import Decisions

STARTUP = 12
"""Suggestions drawn from the untrained, near uniform policy before a critic is asked."""
BATCH, IMITATED = 4, 12
FITTED_EVERY = 8
"""Results between two fits of a kernel."""
ENTROPY, ENTROPY_HALF_LIFE = 0.05, 100
PPO_EPOCHS = 4
SAMPLED, VARIED, ELITES = 40, 40, 16
UNIFORM, MUTATED = 48, 64
TEMPERATURES = (1.0, 1.5, 2.5)
ENOUGH, ATTEMPTS, WARMING = 16, 6, 1.6
"""Proposals are drawn up to ATTEMPTS times, each at WARMING times the temperature, until ENOUGH of them are new."""
SHARES, THERMOSTAT = (0.4, 0.7), 1.15
"""After each step of the policy the temperature changes by THERMOSTAT if the share of new proposals is outside SHARES."""


class Agent:
    """What this module describes. ``algorithm`` is ``reinforce`` or ``ppo``, ``parts`` ``both``, ``policy`` or ``critic``.

    ``known`` are the rows that other agents of the same search have begun; what this one begins is added to them. ``scores``
    are what is known of networks without training.
    """

    def __init__(
        self,
        encoding: Encoding,
        seed: int,
        objectives: int,
        algorithm: str,
        parts: str,
        known: set[bytes] | None = None,
        scores: ScoreModel | None = None,
    ) -> None:
        self._seed, self._objectives = seed, objectives
        self._algorithm, self._parts = algorithm, parts
        self.encoding = encoding
        self.policy = Policy(encoding, seed_of(seed, "policy"))
        self.history = History(encoding, objectives, CAPACITY, known)
        self._critics = Critics(encoding, objectives)
        self._inherited: Inheritance | None = None
        self.scores = scores
        self._temperature = 1.0
        self._updates = 0

    def inherit(self, experiences: Sequence[Experience]) -> None:
        """Starts from what other studies found; to be called before anything is proposed or told."""
        with one_blas_thread():
            self._inherited = Inheritance(self.encoding, experiences)

    def propose(self, number: int) -> Iterator[Decisions]:
        """Ranked proposals, best first; if all are refused, more are drawn at higher temperatures."""
        rng = np.random.default_rng(seed_of(self._seed, "controller", number))
        if len(self.history) < STARTUP:
            while True:
                with one_blas_thread():
                    rows = self._first(number, rng)
                yield from map(self.encoding.assignment, rows)
        view = self.history.view()
        temperature = self._temperature
        with one_blas_thread():
            mean = self._prior_mean(view)
        for _ in range(100):
            with one_blas_thread():
                proposals, temperature = self._new_proposals(number, view, rng, temperature)
                if self._parts != "policy":
                    proposals = self._critics.rank(number, proposals, self.history, view, mean, rng)
            yield from map(self.encoding.assignment, proposals)
            temperature *= WARMING

    def begin(self, number: int, decisions: Decisions) -> None:
        """The network is under measurement."""
        self.history.begin(number, decisions)

    def tell(self, result: TrialResult) -> None:
        """Remembers the result; every ``BATCH`` results the policy learns, every ``FITTED_EVERY`` the critics."""
        self.history.tell(result)
        if len(self.history) % BATCH == 0:
            view = self.history.view()
            with one_blas_thread():
                if self._parts != "critic":
                    self._learn(view)
                if self._parts != "policy" and len(self.history) % FITTED_EVERY == 0:
                    self._critics.learn(view, self._prior_mean(view))

    def _first(self, number: int, rng: np.random.Generator) -> Ints:
        """Proposals before a critic is asked.

        With scores, every other one is that of 16 draws of which the scores make most. With experience, every other one is
        what the other studies expect most of; between them are uniform draws, for what a study is worth shows only in
        networks of which it expects more and less.
        """
        if self._parts == "critic" or (self._inherited is not None and number % 2):
            return self._uniform(16, rng)
        if self._inherited is None:
            rows = self.policy.sample(16, rng)
            return rows if self.scores is None or number % 2 else self.scores.first(rows)
        return self._inherited.first(self.policy.sample(SAMPLED, rng), self.history, rng)

    def _prior_mean(self, view: View) -> Mean | None:
        """What other studies and scores let the critics expect of the first objective."""
        if self._inherited is None and self.scores is None:
            return None
        rewards = rewards_of(view)[:, 0]
        inherited = None if self._inherited is None else self._inherited.prior_mean.given(view.rows, rewards)
        if self.scores is None:
            return inherited
        return self.scores.given(view.rows, rewards, inherited or nothing)

    def _new_proposals(
        self, number: int, view: View, rng: np.random.Generator, temperature: float
    ) -> tuple[Ints, float]:
        """Rows that were never suggested, and the temperature at which the policy found enough of them.

        If most of what it proposes was suggested before, it is asked again at a higher temperature, before a critic ranks
        anything.
        """
        new = np.empty((0, len(self.encoding.decisions)), dtype=np.int64)
        if self._parts != "critic":
            for _ in range(ATTEMPTS):
                rows = self._proposals(view, rng, temperature)
                new = self.history.new(rows)
                if len(new) >= ENOUGH:
                    break
                temperature *= WARMING
        if self._parts == "critic" or (self._parts == "both" and self._critics.asks_beyond(number)):
            new = self.history.new(np.concatenate([new, self._without_policy(view, rng)]))
        return (new if len(new) else self._uniform(16, rng)), temperature

    def _without_policy(self, view: View, rng: np.random.Generator) -> Ints:
        """Uniform rows, and mutations of the best networks in one to three decisions."""
        best = view.best(ELITES)
        parents = view.rows[best[rng.integers(0, len(best), MUTATED)]]
        mutated = self.encoding.mutate(parents, rng.integers(1, 4, MUTATED), rng)
        return np.concatenate([self._uniform(UNIFORM, rng), mutated])

    def _uniform(self, number: int, rng: np.random.Generator) -> Ints:
        return self.encoding.complete(np.full((number, len(self.encoding.decisions)), -1), rng)

    def _proposals(self, view: View, rng: np.random.Generator, temperature: float) -> Ints:
        """Distinct rows: samples of the policy, and the best networks with some decisions drawn again."""
        order = view.best(ELITES)
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

    def _learn(self, view: View) -> None:
        """One step of the policy on the newest batch and on some of the best."""
        rewards = 4 * (view.score - 0.5) if self._objectives > 1 else rewards_of(view)[:, 0]
        newest = np.arange(len(view.rows) - min(BATCH, len(view.rows)), len(view.rows))
        best = view.best(IMITATED)
        rows = view.rows[np.concatenate([newest, best])]
        advantages = np.concatenate([np.clip(rewards[newest], -2, 2), view.score[best] ** 2])
        if self._inherited is not None and self._updates < LESSONS:
            targets = rewards_of(view)[:, 0]
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
        share = sum(row.tobytes() not in self.history.known for row in rows) / (SAMPLED + VARIED)
        if share < SHARES[0]:
            self._temperature *= THERMOSTAT
        elif share > SHARES[1]:
            self._temperature = max(1.0, self._temperature / THERMOSTAT)
