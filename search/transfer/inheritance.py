"""The controller's start from other studies: lessons for its policy, and a prior mean for its critic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.proposals import climb
from search.history import History
from search.transfer.experience import Experience
from search.transfer.prior_mean import PriorMean

BEST = 32
"""Networks of each study that are proposals themselves."""
LESSONS = 20
"""Steps in which the policy learns from the studies too."""
DRAWN, IMITATED = 4, 12
"""Random networks and best ones of each study in such a step, as many as of the search itself."""


class Inheritance:
    """What a controller starts from. ``best`` are the best networks of all studies, each once."""

    def __init__(self, encoding: Encoding, experiences: Sequence[Experience]) -> None:
        self.prior_mean = PriorMean(encoding, experiences)
        self.best: Ints = np.unique(np.concatenate([e.best[:BEST] for e in experiences]), axis=0)
        self._encoding, self._experiences = encoding, experiences

    def first(self, rows: Ints, history: History, rng: np.random.Generator) -> Ints:
        """The networks of which the studies expect most, the best first: from ``rows``, their own best, and what is near these."""
        pool = history.new(np.concatenate([rows, self.best]))
        return climb(pool, self._expected, self._encoding, history, rng) if len(pool) else rows

    def _expected(self, rows: Ints) -> Floats:
        return np.asarray(self.prior_mean.expectations(rows).mean(axis=1))

    def lesson(self, rows: Ints, scores: Floats, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Networks of the studies for one step of the policy, and their advantages.

        Both the networks and the advantages are chosen as a search chooses its own; those of each study are multiplied by its
        weight (``search.transfer.prior_mean``), given the search's own ``scores`` of ``rows``. A policy that was taught beforehand
        kept to what a misleading study taught it for more than fifty results.
        """
        trust = np.clip(self.prior_mean.weights(rows, scores)[1:], 0.0, 1.0)
        taught, advantages = [], []
        for experience, share in zip(self._experiences, trust, strict=True):
            count = len(experience.rows)
            order = np.argsort(experience.scores, kind="stable")
            position = np.empty(count)
            position[order] = np.arange(count) / max(1, count - 1)
            drawn, best = rng.integers(0, count, DRAWN), order[::-1][:IMITATED]
            taught.append(experience.rows[np.concatenate([drawn, best])])
            advantages.append(share * np.concatenate([4 * (position[drawn] - 0.5), position[best] ** 2]))
        return np.concatenate(taught), np.concatenate(advantages)
