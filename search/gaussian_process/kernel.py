"""The covariance of two networks: constant + signal × exp(−Σ weight × distance), a weight for each group of features.

A product over decisions (automatic relevance determination, MacKay 1994; over categories as in Garrido-Merchán and
Hernández-Lobato 2020). With small weights and a large signal it is nearly additive in the decisions; with large
weights every combination of options is on its own. What lies between are interactions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.encoding import Floats
from search.gaussian_process.features import Features

CONSTANT = 1.0
"""Variance of the unknown mean, in units of the targets' robust spread."""


@dataclass(frozen=True)
class Kernel:
    """The fitted numbers: ``weights`` by group of features, variances of ``signal`` and ``noise``."""

    weights: Floats
    signal: float
    noise: float

    def covariance(self, features: Features, left: Floats, right: Floats) -> Floats:
        """Covariance of the bits ``left`` with those of ``right``, without noise; shape (left, right)."""
        return CONSTANT + self.signal * self.likeness(features, left, right)

    def likeness(self, features: Features, left: Floats, right: Floats) -> Floats:
        """exp(−Σ weight × distance); shape (left, right)."""
        scale = self.weights[features.group] * features.share
        weighed = left * scale
        # |a − b| = a + b − 2ab for bits.
        log = 2 * (weighed @ right.T) - weighed.sum(axis=1)[:, None] - (right @ scale)[None, :]
        return np.asarray(np.exp(np.minimum(log, 0.0)))

    @property
    def prior(self) -> float:
        """Variance of a network before anything is measured."""
        return CONSTANT + self.signal
