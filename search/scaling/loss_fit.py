"""α, β, γ from the losses of scaled networks, with intervals, for each length of training.

One law is fitted to all points (``search.scaling.loss_law``, ``search.scaling.loss_posterior``). Intervals are central quantiles of α, β, γ over
parameters drawn from their posterior. ``bench.scaling_worlds`` measures how often they hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from search.scaling.bootstrap import LEVEL
from search.scaling.laws import Array
from search.scaling.loss_law import LossLaw
from search.scaling.loss_optimum import best_coefficients, pays_from
from search.scaling.loss_points import CostModel, LossPoints
from search.scaling.loss_posterior import most_likely, posterior_draws
from search.scaling.optimum import GREEK
from search.scaling.points import DIMENSIONS
from search.scaling.variance_components import Noise
from space.errors import InputError
from space.limits import LARGEST_FACTOR

FORMULA = "loss = E + sum_j A_j*x_j^-a_j + B*prod_j x_j^b_j*(macs*epochs)^-c"
_BEYOND = 4.0
"""How far beyond the lengths that were trained the length is sought from which on depth pays."""
_SHORTENED = 300
"""Draws behind the interval of that length."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class BudgetCoefficients:
    """α, β, γ after ``epochs``, with intervals at LEVEL; None where the dimension was never varied."""

    epochs: float
    coefficients: tuple[float | None, float | None, float | None]
    intervals: tuple[Interval | None, Interval | None, Interval | None]


@dataclass(frozen=True)
class LossFit:
    """The law fitted to losses. ``theta`` are its parameters, ``draws`` (m, free) such parameters as the points leave open.

    ``budgets`` has α, β, γ for each length of training, in order; ``depth_pays`` is the length in epochs from which on α exceeds 1, as
    (best, low, high), infinite where not within four times the longest, 0 where already at a quarter of the shortest, None where depth was never varied. ``rmse`` is in nats.
    """

    law: LossLaw
    theta: Array
    cost: CostModel
    noise: Noise
    growth: float
    varied: tuple[int, ...]
    budgets: tuple[BudgetCoefficients, ...]
    depth_pays: tuple[float, float, float] | None
    rmse: float
    points: int
    trainings: int
    draws: Array = field(repr=False)

    def coefficients_at(self, epochs: float) -> tuple[float | None, float | None, float | None]:
        """α, β, γ for trainings of ``epochs``, which must be one of the budgets'."""
        return next(budget.coefficients for budget in self.budgets if budget.epochs == epochs)

    @property
    def widest(self) -> float:
        """The widest interval for the longest trainings, as a share of what the growth allows for that coefficient."""
        pairs = [self.budgets[-1].intervals[j] for j in self.varied]
        most = self.growth ** (1 / self.cost.powers) - 1
        return max(
            (pair[1] - pair[0]) / float(limit) for pair, limit in zip(pairs, most, strict=True) if pair
        )

    def to_dict(self) -> dict[str, Any]:
        """The fit as plain values, for ``--format json``."""
        longest = self.budgets[-1]
        names = tuple(DIMENSIONS[j] for j in self.varied)
        return {
            **dict(zip(GREEK, longest.coefficients, strict=True)),
            "intervals": _named(longest.intervals),
            "interval_level": LEVEL,
            "growth": self.growth,
            "law": "loss",
            "formula": FORMULA,
            "parameters": self.law.describe(self.theta, names),
            "macs_powers": dict(zip(names, self.cost.powers.tolist(), strict=True)),
            "budgets": [
                {
                    "epochs": budget.epochs,
                    **dict(zip(GREEK, budget.coefficients, strict=True)),
                    "intervals": _named(budget.intervals),
                }
                for budget in self.budgets
            ],
            "depth_pays_from": self.depth_pays
            and [value if np.isfinite(value) else None for value in self.depth_pays],
            "rmse": self.rmse,
            "noise": {"point": self.noise.point, "training": self.noise.training, "seed": self.noise.seed},
            "error_unit": "nats",
            "points": self.points,
            "trainings": self.trainings,
        }


def _named(intervals: Sequence[Interval | None]) -> dict[str, list[float] | None]:
    return {name: pair and list(pair) for name, pair in zip(GREEK, intervals, strict=True)}


def fit_loss(
    points: LossPoints,
    *,
    growth: float = 2.0,
    epochs: Sequence[float] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> LossFit:
    """The law fitted to ``points``, and α, β, γ for trainings of these ``epochs`` (None: those of the points).

    Coefficients are those of the network at multipliers 1; they multiply its exact MACs by ``growth``. Raises InputError where
    fewer than two dimensions vary or there are too few networks.
    """
    if not 1 < growth <= LARGEST_FACTOR:
        raise InputError.of("growth", f"a number above 1, up to {LARGEST_FACTOR}", growth)
    varied = points.varied
    if len(varied) < 2:
        raise InputError.of("points", "two or more dimensions that vary", [DIMENSIONS[j] for j in varied])
    x = points.logs
    law = LossLaw(x.mean(axis=0))
    wanted, found = 2 * len(varied) + 1, int(points.networks.max()) + 1
    if found < wanted:
        raise InputError.of("points", f"{wanted} or more distinct networks", found)
    cost = CostModel.of(points)
    theta, noise = most_likely(law, points)
    drawn = posterior_draws(law, points, theta, noise, draws, np.random.default_rng(seed))
    lengths = tuple(points.lengths if epochs is None else epochs)
    budgets = tuple(_budget(law, theta, drawn, cost, growth, length, varied) for length in lengths)
    return LossFit(
        law=law,
        theta=theta,
        cost=cost,
        noise=noise,
        growth=growth,
        varied=varied,
        budgets=budgets,
        depth_pays=_depth_pays(law, theta, drawn[:_SHORTENED], cost, growth, points, varied),
        rmse=float(np.sqrt(np.mean((law.predict(theta, x) - points.loss) ** 2))),
        points=len(points),
        trainings=int(points.runs.max()) + 1,
        draws=drawn,
    )


def _budget(
    law: LossLaw,
    theta: Array,
    drawn: Array,
    cost: CostModel,
    growth: float,
    epochs: float,
    varied: tuple[int, ...],
) -> BudgetCoefficients:
    table = best_coefficients(law, np.concatenate([theta[None], drawn]), cost, growth, epochs)
    tail = 50 * (1 - LEVEL)
    values: list[float | None] = [None, None, None]
    pairs: list[Interval | None] = [None, None, None]
    for place, j in enumerate(varied):
        values[j] = float(table[0, place])
        low, high = np.percentile(table[1:, place], [tail, 100 - tail])
        pairs[j] = (float(low), float(high))
    return BudgetCoefficients(epochs, (values[0], values[1], values[2]), (pairs[0], pairs[1], pairs[2]))


def _depth_pays(
    law: LossLaw,
    theta: Array,
    drawn: Array,
    cost: CostModel,
    growth: float,
    points: LossPoints,
    varied: tuple[int, ...],
) -> tuple[float, float, float] | None:
    if 0 not in varied:
        return None
    ends = points.lengths
    lengths = np.geomspace(ends[0] / _BEYOND, ends[-1] * _BEYOND, 25)
    found = pays_from(law, np.concatenate([theta[None], drawn]), cost, growth, varied.index(0), lengths)
    found[found == lengths[0]] = 0.0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(found[1:], [tail, 1 - tail], method="inverted_cdf")
    return float(found[0]), float(low), float(high)
