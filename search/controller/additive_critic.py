"""A critic that does not change: a mostly additive Gaussian process that is ranked by an upper confidence bound.

Its covariance (Rasmussen and Williams 2006, algorithm 2.1) has three parts: a constant; the share of decisions that agree,
which makes a linear model with one weight for each option; and an exponential of the number that differ, which makes near
neighbours alike. Nothing of it is fitted, so it is sound from the first few results on.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from search.encoding import Encoding, Floats, Ints

CONSTANT, AGREEMENT, LIKENESS = 0.5, 2.0, 0.5
REACH = 1.5
"""Number of differing decisions over which likeness falls by a factor e."""
NOISE = 0.3
"""Variance between seeds, in units of the robust spread between networks."""


class AdditiveCritic:
    """A Gaussian process fitted to some trials; it has no other state."""

    def __init__(self, encoding: Encoding, rows: Ints, targets: Floats, pending: Ints) -> None:
        """Conditions on the ``targets`` (trials,) of ``rows`` (trials, decisions).

        ``pending`` are the rows of networks under measurement. They enter with their own predicted score: that lowers
        the uncertainty around them and changes nothing else (the "kriging believer" of Ginsbourger et al. 2010).
        """
        self._encoding = encoding
        self._condition(encoding.one_hot(rows), targets)
        if len(pending):
            believed, _ = self.predict(pending)
            hot = np.concatenate([self._hot, encoding.one_hot(pending)])
            self._condition(hot, np.concatenate([targets, believed]))

    def predict(self, rows: Ints) -> tuple[Floats, Floats]:
        """Means and standard deviations; both of shape (rows,)."""
        hot = self._encoding.one_hot(rows)
        cross = _covariance(hot, self._hot)
        mean = cross @ self._weights
        explained = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        prior = CONSTANT + AGREEMENT + LIKENESS
        variance = prior - (explained**2).sum(axis=0)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def _condition(self, hot: Floats, targets: Floats) -> None:
        covariance = _covariance(hot, hot)
        covariance[np.diag_indices_from(covariance)] += NOISE
        self._hot = hot
        self._factor = cholesky(covariance, lower=True, check_finite=False)
        self._weights = cho_solve((self._factor, True), targets, check_finite=False)


def _covariance(left: Floats, right: Floats) -> Floats:
    agree = left @ right.T
    active = (left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :]) / 2
    return np.asarray(CONSTANT + AGREEMENT * agree / active + LIKENESS * np.exp((agree - active) / REACH))
