"""α, β and γ from accuracies: fit laws to scaled networks, then read off the best direction.

Tan & Le 2019 found (1.2, 1.1, 1.15) by training a grid of networks. Fewer trainings lead to the same
coefficients when accuracy is modelled as a function of the multipliers: fit the laws of ``search.scaling.laws``,
keep the one that predicts left-out points best, and maximise it over depth·width²·resolution² = 2.

There are few points, so the result says how far it can be trusted: bootstrap intervals
(``search.scaling.bootstrap``), every law's leave-one-out error (``search.scaling.cross_validation``), and
sentences on what the points cannot tell apart (``search.scaling.identifiability``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from search.scaling.bootstrap import LEVEL, BootstrapFit, bootstrap, intervals
from search.scaling.cross_validation import FittedLaw, cross_validated
from search.scaling.identifiability import check_enough, statement
from search.scaling.laws import LAWS, Array
from search.scaling.optimum import GREEK
from search.scaling.points import DIMENSIONS, Points
from space.errors import InputError, UnknownNameError
from space.limits import LARGEST_FACTOR

_FIRST_NOISE = 0.25
_NOISE_RANGE = (0.1, 5.0)


@dataclass(frozen=True)
class LawFit:
    """A fitted law and the coefficients at which it predicts the highest accuracy.

    ``coefficients`` and ``intervals`` (at LEVEL) are in the order α, β, γ, None where the dimension was
    never varied. Errors are in points (percent). ``laws`` are all that were compared, best first; ``samples``
    are the bootstrap's fits.
    """

    law: str
    parameters: dict[str, float]
    formula: str
    growth: float
    coefficients: tuple[float | None, float | None, float | None]
    intervals: tuple[tuple[float, float] | None, ...]
    rmse: float
    loo_rmse: float
    points: int
    laws: tuple[FittedLaw, ...]
    statement: tuple[str, ...]
    samples: tuple[BootstrapFit, ...] = field(repr=False)
    varied: tuple[int, ...] = (0, 1, 2)

    def predict(self, multipliers: Array) -> Array:
        """Accuracies (fractions) of networks with these multipliers, shape (n, 3)."""
        x = np.log(np.asarray(multipliers, dtype=np.float64)[:, self.varied])
        return LAWS[self.law].predict(self.laws[0].theta, x) / 100

    def to_dict(self) -> dict[str, Any]:
        """The fit as plain values under the names that ``--format json`` prints; ``search.scaling.prediction`` reads them."""
        return {
            **dict(zip(GREEK, self.coefficients, strict=True)),
            "intervals": {
                name: None if pair is None else list(pair)
                for name, pair in zip(GREEK, self.intervals, strict=True)
            },
            "interval_level": LEVEL,
            "growth": self.growth,
            "law": self.law,
            "formula": self.formula,
            "parameters": self.parameters,
            "rmse": self.rmse,
            "loo_rmse": self.loo_rmse,
            "error_unit": "percentage points",
            "points": self.points,
            "laws": [
                {
                    "law": fitted.law,
                    "free": fitted.free,
                    "rmse": fitted.rmse,
                    "loo_rmse": fitted.loo_rmse,
                    **dict(zip(GREEK, fitted.coefficients, strict=True)),
                }
                for fitted in self.laws
            ],
            "statement": list(self.statement),
            "varied": [DIMENSIONS[place] for place in self.varied],
            "theta": [float(value) for value in self.laws[0].theta],
            "fits": [
                {"law": one.law, "theta": [float(value) for value in one.theta]} for one in self.samples
            ],
        }


def fit_law(
    points: Points,
    *,
    law: str = "auto",
    growth: float = 2.0,
    resamples: int = 200,
    seed: int = 0,
) -> LawFit:
    """The law that predicts left-out points best (or the one named), and the α, β, γ it gives.

    ``growth`` is the budget of one step of φ, α·β²·γ². Raises InputError where fewer than two dimensions
    vary or there are too few points, saying how many and which kind are missing.
    """
    if law != "auto" and law not in LAWS:
        raise UnknownNameError("law", law, ["auto", *LAWS])
    if not 1 < growth <= LARGEST_FACTOR:
        raise InputError.of("growth", f"a number above 1, up to {LARGEST_FACTOR}", growth)
    check_enough(points)
    names = list(LAWS) if law == "auto" else [law]
    dimensions = len(points.varied)
    usable = [LAWS[name] for name in names if len(points.distinct) > LAWS[name].free(dimensions)]
    if not usable:
        wanted = LAWS[law].free(dimensions) + 1
        raise InputError.of("points", f"{wanted} distinct networks for the {law} law", len(points.distinct))
    # The weight of the priors depends on the noise, which is known only after a fit: so everything is fitted twice.
    sigma = _FIRST_NOISE
    for starts in (0, 1):
        fits = [cross_validated(each, points, growth, sigma, starts) for each in usable]
        best = min(fits, key=lambda fitted: fitted.loo_rmse)
        sigma = float(np.clip(best.rmse, *_NOISE_RANGE))
    laws = tuple(sorted(fits, key=lambda fitted: fitted.loo_rmse))
    samples = bootstrap(laws, points, growth, sigma, resamples, seed)
    found = intervals(samples)
    chosen = LAWS[best.law]
    return LawFit(
        law=best.law,
        parameters=chosen.describe(best.theta, [DIMENSIONS[j] for j in points.varied]),
        formula=chosen.formula,
        growth=growth,
        coefficients=best.coefficients,
        intervals=found,
        rmse=best.rmse,
        loo_rmse=best.loo_rmse,
        points=len(points),
        laws=laws,
        statement=statement(points, laws, found, growth),
        samples=samples,
        varied=points.varied,
    )
