"""α, β, γ of a loss law for one length of training, and the length from which on depth pays."""

from __future__ import annotations

import numpy as np

from search.scaling.laws import Array
from search.scaling.loss_law import LossLaw
from search.scaling.loss_points import CostModel
from search.scaling.optimum import simplex

_PART = 200
"""Parameter vectors that are worked on at once: bounds the memory."""
_REFINEMENTS = (0.1, 0.02)
_SMALL_SHARE = 0.02


def best_coefficients(law: LossLaw, thetas: Array, cost: CostModel, growth: float, epochs: float) -> Array:
    """The coefficients of least loss after ``epochs``, for parameter vectors (m, free): shape (m, dimensions), to about 0.001.

    They multiply the exact MACs of the network at multipliers 1 by ``growth``: Π c_j^powers_j = growth.
    """
    parts = [_best(law, thetas[i : i + _PART], cost, growth, epochs) for i in range(0, len(thetas), _PART)]
    return np.concatenate(parts)


def _best(law: LossLaw, thetas: Array, cost: CostModel, growth: float, epochs: float) -> Array:
    k = law.dimensions

    def loss(shares: Array) -> Array:
        return law.predict(thetas, _logs(shares, cost, growth, epochs))

    coarse = simplex(k, 40) if k > 1 else np.ones((1, 1))
    best = coarse[np.argmin(loss(coarse), axis=-1)]  # (m, k)
    if k > 1:
        offsets = simplex(k, 12) - 1 / k
        offsets = np.concatenate([offsets, -offsets, np.zeros((1, k))])
        for width in _REFINEMENTS:
            near = best[:, None] + width * offsets
            inside = np.all(near >= -1e-12, axis=-1)
            near = near.clip(0)
            losses = np.where(inside, loss(near), np.inf)
            best = near[np.arange(len(near)), np.argmin(losses, axis=-1)]
    return np.asarray(np.exp(best * (np.log(growth) / cost.powers)), dtype=np.float64)


def pays_from(
    law: LossLaw, thetas: Array, cost: CostModel, growth: float, dimension: int, lengths: Array
) -> Array:
    """For each parameter vector (m, free) the first of ``lengths`` (epochs, ascending) at which ``dimension`` has a share of the budget.

    Infinite where it has none at any of them. The loss is convex in the shares, so it is enough to see whether a small share helps where
    the others are divided at their best without it.
    """
    k = law.dimensions
    others = [j for j in range(k) if j != dimension]
    split = simplex(len(others), 40) if len(others) > 1 else np.ones((1, 1))
    without = np.zeros((len(split), k))
    without[:, others] = split
    within = (1 - _SMALL_SHARE) * without
    within[:, dimension] = _SMALL_SHARE
    found = np.full(len(thetas), np.inf)
    for epochs in lengths[::-1]:
        least = [
            law.predict(thetas, _logs(shares, cost, growth, float(epochs))).min(axis=-1)
            for shares in (without, within)
        ]
        found[least[1] < least[0]] = epochs
    return found


def _logs(shares: Array, cost: CostModel, growth: float, epochs: float) -> Array:
    """What the law takes, shape (…, n, k + 1), for shares (…, n, k) of the logarithm of the growth of the MACs."""
    z = shares * (np.log(growth) / cost.powers)
    compute = np.full((*z.shape[:-1], 1), cost.level + np.log(growth) + np.log(epochs))
    return np.concatenate([z, compute], axis=-1)
