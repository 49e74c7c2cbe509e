"""What other studies let the critic expect of a network: a weighed sum of their models, weights learned from the search's own results.

Each study has a Gaussian process of its own. Its expectations, f₁ … f_k, are the features of a linear model of the scores of the
search, y = c + Σ w·f + ε, by Bayesian regression (Bishop 2006, section 3.3). A priori the studies are related to the search:
the weights have the mean ``RELATED``, divided among them. The regression finds soon whether they are: the weight of a study that
misleads falls to zero or below. The critic learns what is left, y − c − Σ w·f, so that no study can keep it from what it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search.encoding import Encoding, Floats, Ints
from search.gaussian_process.features import Features
from search.gaussian_process.fit import fit, prior_kernel
from search.gaussian_process.posterior import Posterior
from search.transfer.experience import Experience

RELATED, DOUBT = 0.6, 1.0
"""Prior mean of the sum of the weights, and prior standard deviation of each weight."""
STEPS = 40
CONSTANT = 4.0
"""Prior variance of the constant."""
LEAST_NOISE = 0.1
"""Least variance of what the studies do not explain."""


class PriorMean:
    """The models of other studies, fitted when this is made; it has no other state."""

    def __init__(self, encoding: Encoding, experiences: Sequence[Experience]) -> None:
        features = Features(encoding)
        self._models = []
        for experience in experiences:
            bits = features.bits(experience.rows)
            kernel = fit(features, bits, experience.scores, prior_kernel(features), STEPS)
            none = np.zeros((0, experience.rows.shape[1]), dtype=np.int64)
            self._models.append(Posterior(features, kernel, experience.rows, experience.scores, none))

    def expectations(self, rows: Ints) -> Floats:
        """What each study's model expects; shape (rows, studies)."""
        return np.stack([model.predict(rows)[0] for model in self._models], axis=1)

    def weights(self, rows: Ints, scores: Floats) -> Floats:
        """The constant and the weight of each study, given the search's own ``scores`` of ``rows``."""
        return regression(self.expectations(rows), scores)

    def given(self, rows: Ints, scores: Floats) -> Callable[[Ints], Floats]:
        """The prior mean as a function of rows, its weights fitted to the search's own ``scores`` of ``rows``."""
        weights = self.weights(rows, scores)
        return lambda asked: self.expectations(asked) @ weights[1:] + weights[0]


def regression(features: Floats, targets: Floats) -> Floats:
    """The posterior means of the constant and of each feature's weight."""
    studies = features.shape[1]
    design = np.column_stack([np.ones(len(features)), features])
    prior = np.array([0.0, *(RELATED / studies for _ in range(studies))])
    precision = np.diag([1 / CONSTANT, *(DOUBT**-2.0 for _ in range(studies))])
    noise, weights = 1.0, prior
    for _ in range(4):
        weights = np.linalg.solve(
            precision + design.T @ design / noise, precision @ prior + design.T @ targets / noise
        )
        left = targets - design @ weights
        # One example of variance 1 counts beside those measured.
        noise = max((1.0 + float(left @ left)) / (1 + len(targets)), LEAST_NOISE)
    return weights
