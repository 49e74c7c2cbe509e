"""How noisy a training is: of its seed, of itself, and of each point, by marginal likelihood.

Networks trained with one seed see the same images in the same order, so their losses move together; points of one training (cool-downs
at several lengths) do even more. Differences within a seed are therefore worth more than the losses themselves. The covariance of all points is

    σ²·I + ω²·[same training] + τ²·[same seed]

The three are found by maximising the marginal likelihood of the linearised model, the parameters integrated out over their priors
(with flat priors that is restricted maximum likelihood, Patterson & Thompson 1971).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from search.scaling.laws import Array

_SMALLEST = 1e-4
"""Of the spread of the losses: less noise than that is none that matters, and keeps matrices regular."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations in nats: of a ``point``, of a ``training`` beyond that, and of a ``seed``, shared by all its trainings."""

    point: float
    training: float
    seed: float

    @property
    def single(self) -> float:
        """The standard deviation of one point of one training, seeds alike: what differences between networks have."""
        return float(np.hypot(self.point, self.training))

    def covariance(self, runs: NDArray[np.int64], seeds: NDArray[np.int64]) -> Array:
        """The covariance of points of these trainings and seeds, shape (n, n)."""
        return np.asarray(
            self.point**2 * np.eye(len(runs))
            + self.training**2 * (runs[:, None] == runs)
            + self.seed**2 * (seeds[:, None] == seeds),
            dtype=np.float64,
        )


def estimate_noise(
    residual: Array,
    explained: Array,
    runs: NDArray[np.int64],
    seeds: NDArray[np.int64],
    scale: float,
    start: Noise,
) -> Noise:
    """The noise under which ``residual`` (n) is most likely, besides ``explained``, the covariance (n, n) of what the parameters leave open.

    ``scale`` is the spread of the losses. A component that these points cannot show is 0: a training's where each has one point, a
    seed's where there is one seed.
    """
    several = (
        True,
        len(np.unique(runs)) < len(runs),
        len(np.unique(seeds)) > 1,
    )
    floor = _SMALLEST * scale

    def noise(logs: Array) -> Noise:
        values = iter(np.exp(np.clip(logs, np.log(floor), np.log(10 * scale))))
        point, training, seed = (float(next(values)) if there else 0.0 for there in several)
        return Noise(point, training, seed)

    def cost(logs: Array) -> float:
        try:
            factor = cho_factor(noise(logs).covariance(runs, seeds) + explained, lower=True)
        except LinAlgError:
            return np.inf
        # A weak prior keeps a component away from zero where a few points happen to agree.
        held = float(np.sum((logs - np.log(0.05 * scale)) ** 2)) / (2 * 1.5**2)
        return float(np.log(np.diag(factor[0])).sum() + residual @ cho_solve(factor, residual) / 2) + held

    first = [max(value, floor) for value in (start.point, start.training, start.seed)]
    logs = np.log([value for value, there in zip(first, several, strict=True) if there])
    found = minimize(cost, logs, method="Nelder-Mead", options={"xatol": 0.02, "fatol": 0.005, "maxfev": 120})
    return noise(found.x)
