"""What scores let a critic expect of networks: a prior mean that is linear in them, weights learned from the search's own results.

A score is made comparable by the median and the quartiles of ``REFERENCE`` random networks (of a cost, the logarithm), and a
Gaussian process over the decisions learns it from these. So a score is *expected* of any network for nothing, and only the
``LAST`` candidates that are most promising by what is expected are scored themselves. The weights are those of a Bayesian
regression (``search.transfer.prior_mean``), which finds soon what a score is worth here; the critic learns what is left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.features import Features
from search.gaussian_process.fit import fit, prior_kernel
from search.gaussian_process.posterior import Posterior
from search.prior.network_scores import NetworkScores, needs_images
from search.samplers.protocol import seed_of
from search.transfer.prior_mean import regression

REFERENCE, LAST = 48, 8
"""Random networks that are scored at the start, and candidates that are scored for each suggestion."""
STEPS = 40
FARTHEST = 4.0
"""Standard deviations from the median beyond which a score counts as that."""


def nothing(rows: Ints) -> Floats:
    """Nothing is expected of networks beforehand."""
    return np.zeros(len(rows))


class ScoreModel:
    """The scores of a space's networks, standardised; the same for the same ``seed`` and scores.

    Scores nothing before it is asked.
    """

    def __init__(self, encoding: Encoding, scores: NetworkScores, seed: int) -> None:
        self._encoding, self._scores = encoding, scores
        self._seed = seed_of(seed, "prior")
        self._columns: list[_Column] = []

    def measured(self, rows: Ints) -> Floats:
        """The scores of ``rows``, shape (rows, scores); what is expected where one is missing."""
        found, expected = self._raw(rows), self.expected(rows)
        columns = self._columns
        z = np.column_stack([column.standard(found[:, i]) for i, column in enumerate(columns)])
        return np.where(np.isnan(z), expected, z)

    def expected(self, rows: Ints) -> Floats:
        """The scores that ``rows`` are expected to have, shape (rows, scores)."""
        self._learn()
        return np.column_stack([column.expected(rows) for column in self._columns])

    def given(self, rows: Ints, targets: Floats, before: Callable[[Ints], Floats] = nothing) -> ScoreMean:
        """The prior mean, its weights fitted to what the ``targets`` (trials,) of ``rows`` are beyond ``before``."""
        known = self.measured(rows)
        return ScoreMean(self, rows, known, regression(known, targets - before(rows)), before)

    def first(self, rows: Ints) -> Ints:
        """The rows, those with the highest mean of the expected scores first."""
        return rows[np.argsort(-self.expected(rows).mean(axis=1), kind="stable")]

    def _raw(self, rows: Ints) -> Floats:
        return np.array([self._scores.of(self._encoding.assignment(row)) for row in rows]).reshape(
            len(rows), -1
        )

    def _learn(self) -> None:
        if self._columns:
            return
        rng = np.random.default_rng(self._seed)
        rows = self._encoding.complete(np.full((REFERENCE, len(self._encoding.decisions)), -1), rng)
        rows = np.unique(rows, axis=0)
        raw, features = self._raw(rows), Features(self._encoding)
        self._columns = [
            _Column.of(raw[:, i], rows, features, logarithmic=not needs_images(name))
            for i, name in enumerate(self._scores.names)
        ]


class _Column:
    """One score: how it is standardised, and what is expected of networks that were not scored."""

    def __init__(self, middle: float, scale: float, logarithmic: bool) -> None:
        self._middle, self._scale, self._logarithmic = middle, scale, logarithmic
        self.expected: Callable[[Ints], Floats] = lambda rows: np.zeros(len(rows))

    @classmethod
    def of(cls, raw: Floats, rows: Ints, features: Features, *, logarithmic: bool) -> _Column:
        there = np.isfinite(raw) & ((raw > 0) | (not logarithmic))
        if there.sum() < 2:
            return cls(0.0, 1.0, logarithmic)
        values = np.log(raw[there]) if logarithmic else raw[there]
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        scale = (high - low) / 1.349 or float(
            values.std()
        )  # 1.349 standard deviations lie between a normal's quartiles
        made = cls(float(middle), scale if scale > 0 else 1.0, logarithmic)
        targets = made.standard(raw[there])
        kernel = fit(features, features.bits(rows[there]), targets, prior_kernel(features), STEPS)
        none = np.zeros((0, rows.shape[1]), dtype=np.int64)
        posterior = Posterior(features, kernel, rows[there], targets, none)
        made.expected = lambda asked: posterior.predict(asked)[0]
        return made

    def standard(self, raw: Floats) -> Floats:
        """In standard deviations from the median; NaN stays."""
        if self._logarithmic:
            raw = np.log(np.where(raw > 0, raw, np.nan))
        return np.clip((raw - self._middle) / self._scale, -FARTHEST, FARTHEST)


class ScoreMean:
    """The prior mean of one suggestion: a function of rows. Those of trials, and those given to ``score``, count as scored.

    ``before`` is what is expected of rows besides.
    """

    def __init__(
        self,
        model: ScoreModel,
        rows: Ints,
        known: Floats,
        weights: Floats,
        before: Callable[[Ints], Floats] = nothing,
    ) -> None:
        self._model, self._weights, self._before = model, weights, before
        self._known = {row.tobytes(): z for row, z in zip(rows, known, strict=True)}

    def __call__(self, rows: Ints) -> Floats:
        """What is expected of ``rows``, shape (rows,)."""
        if not len(rows):
            return np.zeros(0)
        z = self._model.expected(rows)
        for index, row in enumerate(rows):
            known = self._known.get(row.tobytes())
            if known is not None:
                z[index] = known
        return np.asarray(self._before(rows) + self._weights[0] + z @ self._weights[1:])

    def rank_last(self, rows: Ints, promise: Callable[[Ints], Floats]) -> Ints:
        """``rows``, which are ordered by ``promise``, with the first ``LAST`` of them scored and ordered again."""
        last = rows[:LAST]
        self.score(last)
        return np.concatenate([last[np.argsort(-promise(last), kind="stable")], rows[LAST:]])

    def score(self, rows: Ints) -> None:
        """Scores ``rows``."""
        self._known |= {row.tobytes(): z for row, z in zip(rows, self._model.measured(rows), strict=True)}
