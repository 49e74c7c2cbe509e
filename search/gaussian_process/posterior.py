"""What a Gaussian process expects of networks, given measurements (Rasmussen and Williams 2006, algorithm 2.1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from search.encoding import Floats, Ints
from search.gaussian_process.features import Features
from search.gaussian_process.kernel import Kernel


class Posterior:
    """Given ``rows`` and their ``targets`` (trials,).

    ``pending`` are rows of networks under measurement. They enter with their own expected score: that lowers the uncertainty
    around them and changes nothing else (the "kriging believer" of Ginsbourger et al. 2010). ``prior_mean`` is what is
    expected of rows before anything is measured, 0 if it is left out.
    """

    def __init__(
        self,
        features: Features,
        kernel: Kernel,
        rows: Ints,
        targets: Floats,
        pending: Ints,
        prior_mean: Callable[[Ints], Floats] = lambda rows: np.zeros(len(rows)),
    ) -> None:
        self._features, self._kernel, self._prior_mean = features, kernel, prior_mean
        beyond = targets - prior_mean(rows)
        self._condition(features.bits(rows), beyond)
        if len(pending):
            bits = features.bits(pending)
            believed, _ = self._explain(bits)
            self._condition(np.concatenate([self._bits, bits]), np.concatenate([beyond, believed]))

    def predict(self, rows: Ints) -> tuple[Floats, Floats]:
        """Means and standard deviations; both of shape (rows,)."""
        mean, explained = self._explain(self._features.bits(rows))
        return mean + self._prior_mean(rows), np.sqrt(self._variance(explained))

    def beside(self, rows: Ints, known: Ints) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Means and variances of ``rows``; means and covariance of ``known``; covariance (rows, known)."""
        both = np.concatenate([rows, known])
        bits = self._features.bits(both)
        mean, explained = self._explain(bits)
        mean = mean + self._prior_mean(both)
        n, cross = len(rows), self._kernel.covariance(self._features, bits, bits[len(rows) :])
        cross -= explained.T @ explained[:, n:]
        return mean[:n], self._variance(explained[:, :n]), mean[n:], cross[n:], cross[:n]

    def _variance(self, explained: Floats) -> Floats:
        left = self._kernel.prior - np.einsum("ij,ij->j", explained, explained)
        return np.asarray(np.maximum(left, 1e-12))

    def _condition(self, bits: Floats, targets: Floats) -> None:
        covariance = self._kernel.covariance(self._features, bits, bits)
        covariance[np.diag_indices_from(covariance)] += self._kernel.noise
        self._bits = bits
        self._factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve((self._factor, True), targets, check_finite=False)

    def _explain(self, bits: Floats) -> tuple[Floats, Floats]:
        cross = self._kernel.covariance(self._features, self._bits, bits)
        return cross.T @ self._weights, solve_triangular(self._factor, cross, lower=True, check_finite=False)
