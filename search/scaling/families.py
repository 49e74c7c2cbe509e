"""What several families of networks tell about each other: elasticities of the error, partially pooled.

    ln error = level_s − Σ_j e_fj·z_j + ½·Σ_j q_j·z_j²,    z = ln of the multipliers of depth, width, resolution

Each series s (a family trained by one recipe) has a level of its own. The elasticities e_f of a family are draws around a mean that all families
share, with a variance for each dimension; the curvatures q are the same for all. It is a linear mixed model (Laird & Ware 1982,
Biometrics 38, 963): variances by restricted maximum likelihood with a weak prior, means by generalised least squares, and each family's elasticities by best linear
unbiased prediction, which lies between its own points and the mean of all, the nearer to the mean the less its own points say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import ndtri

from search.scaling.bootstrap import LEVEL
from search.scaling.laws import Array
from search.scaling.optimum import coefficients_of, log_multipliers, simplex
from search.scaling.points import DIMENSIONS, Points, read_rows
from space.errors import InputError

_DIMENSIONS = 3
ANOTHER = "another family"
"""The row of what to expect of a family that is not among the points."""
_EXPECTED = (0.02, 0.15, 0.15, 0.15)
"""Noise of ln error, and deviations of elasticities between families: the middles of their weak priors."""
_PRIOR_WIDTH = 1.5
_MEAN, _MEAN_DEVIATION = 0.2, 0.5
_CURVATURE_DEVIATION = 0.05
"""Priors of the mean elasticities and of the curvatures, which a few families that all lie on one line do not determine: an
elasticity of 0.2 may change by a quarter over an e-fold of its dimension."""


@dataclass(frozen=True)
class FamilyPoints:
    """Measured networks: ``multipliers`` (n, 3), ``error`` (n) in (0, 1), and for each its ``family`` and its ``series``.

    Multipliers are those of each family's own base. Raises InputError for values out of range.
    """

    multipliers: Array
    error: Array
    family: Sequence[Hashable]
    series: Sequence[Hashable]

    def __post_init__(self) -> None:
        if not ((self.multipliers > 0) & np.isfinite(self.multipliers)).all():
            raise InputError.of("points", "positive multipliers", float(self.multipliers.min()))
        if not ((self.error > 0) & (self.error < 1)).all():
            wrong = self.error[(self.error <= 0) | (self.error >= 1)]
            raise InputError.of("accuracy", "fractions between 0 and 1", float(1 - wrong[0]))

    @classmethod
    def read(cls, path: str | Path, column: str) -> FamilyPoints:
        """The points of a CSV file with depth, width, resolution, accuracy, and the family in ``column``, each a series of its own."""
        rows = read_rows(path)
        if column not in rows[0]:
            raise InputError.of("--family-column", f"one of {', '.join(rows[0])}", column)
        for number, row in enumerate(rows, 1):
            if not row[column]:
                raise InputError.of(f"{column}, row {number}", "the name of a family", row[column])
        points = Points.of(rows)
        names = [str(row[column]) for row in rows]
        return cls(points.multipliers, 1 - points.accuracy, names, names)

    @property
    def families(self) -> tuple[Hashable, ...]:
        """The families, in the order in which they appear."""
        return tuple(dict.fromkeys(self.family))

    @property
    def logs(self) -> Array:
        """The logarithms of the multipliers, shape (n, 3)."""
        return np.log(self.multipliers)

    def only(self, kept: NDArray[np.bool_]) -> FamilyPoints:
        """The points that are ``kept`` (n)."""
        places = np.flatnonzero(kept).tolist()
        return FamilyPoints(
            self.multipliers[places],
            self.error[places],
            [self.family[i] for i in places],
            [self.series[i] for i in places],
        )

    def __len__(self) -> int:
        return len(self.error)


@dataclass(frozen=True)
class Elasticities:
    """Of one family: the error falls by about ``mean`` (3) per cent for one per cent of depth, width, resolution; ``covariance`` (3, 3)."""

    mean: Array
    covariance: Array


@dataclass(frozen=True)
class FamilyFit:
    """The fitted model. ``pooled`` are the elasticities to expect of a family that is not among them, ``own`` those of each family.

    ``curvature`` (3) is shared; ``between`` (3) are the deviations between families, ``noise`` that of one ln error.
    """

    own: dict[Hashable, Elasticities]
    pooled: Elasticities
    curvature: Array
    between: Array
    noise: float

    def log_ratio(self, elasticities: Array, multipliers: Array) -> Array:
        """ln error of networks with these multipliers (n, 3), less that of their base."""
        z = np.log(multipliers)
        return np.asarray(-z @ elasticities + z**2 @ self.curvature / 2, dtype=np.float64)

    def coefficients(self, elasticities: Array, growth: float = 2.0) -> Array:
        """α, β, γ of least error with α·β²·γ² = ``growth``, for elasticities (3) or several (m, 3): shape (…, 3)."""
        shares = simplex(_DIMENSIONS, 100)
        varied = tuple(range(_DIMENSIONS))
        z = log_multipliers(shares, varied, growth)
        falls = np.atleast_2d(elasticities) @ -z.T + (z**2 @ self.curvature) / 2
        best = coefficients_of(shares[np.argmin(falls, axis=1)], varied, growth)
        return np.asarray(best.reshape(np.shape(elasticities)), dtype=np.float64)


def fit_families(points: FamilyPoints) -> FamilyFit:
    """The model fitted to all families. Raises InputError where there is only one network."""
    if len(points) < 2:
        raise InputError.of("points", "two or more networks", len(points))
    z, y = points.logs, np.log(points.error)
    names = points.families
    family = np.array([names.index(one) for one in points.family])
    series = list(dict.fromkeys(points.series))
    levels = np.array([series.index(one) for one in points.series])[:, None] == np.arange(len(series))
    same = family[:, None] == family
    # Mean elasticities and curvatures have proper priors, levels none: so the former are part of the covariance.
    centre = -z @ np.full(_DIMENSIONS, _MEAN)
    known = _MEAN_DEVIATION**2 * z @ z.T + _CURVATURE_DEVIATION**2 / 4 * z**2 @ (z**2).T

    def covariance(logs: Array) -> Array:
        values = np.exp(2 * np.clip(logs, -9, 3))
        slopes = (z * values[1:]) @ z.T * same
        return np.asarray(values[0] * np.eye(len(y)) + slopes + known, dtype=np.float64)

    fixed = levels.astype(np.float64)

    def cost(logs: Array) -> float:
        factor = cho_factor(covariance(logs), lower=True)
        inner = cho_factor(fixed.T @ cho_solve(factor, fixed), lower=True)
        residual = y - centre
        level = cho_solve(inner, fixed.T @ cho_solve(factor, residual))
        left = residual - fixed @ level
        held = float(np.sum((logs - np.log(_EXPECTED)) ** 2)) / (2 * _PRIOR_WIDTH**2)
        logdet = np.log(np.diag(factor[0])).sum() + np.log(np.diag(inner[0])).sum()
        return float(logdet + left @ cho_solve(factor, left) / 2) + held

    start = np.log(np.asarray(_EXPECTED))
    found = minimize(cost, start, method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-3, "maxfev": 600})
    return _predicted(points, found.x, z, y, family, fixed)


def _predicted(
    points: FamilyPoints, logs: Array, z: Array, y: Array, family: NDArray[np.int64], fixed: Array
) -> FamilyFit:
    """Means and each family's elasticities under these variances: one Gaussian regression with all of them as parameters."""
    deviations = np.exp(np.clip(logs, -9, 3))
    names, k = points.families, _DIMENSIONS
    own = [-z * (family == f)[:, None] for f in range(len(names))]
    columns = np.concatenate([fixed, -z, z**2 / 2, *own], axis=1)
    levels = fixed.shape[1]
    precision = np.concatenate(
        [
            np.zeros(levels),
            np.full(k, _MEAN_DEVIATION**-2),
            np.full(k, _CURVATURE_DEVIATION**-2),
            np.tile(deviations[1:] ** -2, len(names)),
        ]
    )
    prior = np.zeros(columns.shape[1])
    prior[levels : levels + k] = _MEAN
    information = columns.T @ columns / deviations[0] ** 2 + np.diag(precision)
    covariance = np.linalg.inv(information)
    beta = covariance @ (columns.T @ y / deviations[0] ** 2 + precision * prior)
    mean = slice(levels, levels + k)
    elasticities = {}
    for f, name in enumerate(names):
        at = slice(levels + 2 * k + f * k, levels + 2 * k + (f + 1) * k)
        cross = covariance[mean, at]
        elasticities[name] = Elasticities(
            beta[mean] + beta[at], covariance[mean, mean] + covariance[at, at] + cross + cross.T
        )
    return FamilyFit(
        elasticities,
        Elasticities(beta[mean], covariance[mean, mean] + np.diag(deviations[1:] ** 2)),
        beta[levels + k : levels + 2 * k],
        deviations[1:],
        float(deviations[0]),
    )


def rows_of(fit: FamilyFit) -> list[dict[str, object]]:
    """A row for each family, and one for a family that is not among them, with elasticities and their 90 % intervals."""
    normal = float(ndtri((1 + LEVEL) / 2))
    rows: list[dict[str, object]] = []
    for name, one in [*fit.own.items(), (ANOTHER, fit.pooled)]:
        row: dict[str, object] = {"family": str(name)}
        for place, dimension in enumerate(DIMENSIONS):
            value, width = float(one.mean[place]), normal * sqrt(one.covariance[place, place])
            row |= {dimension: value, f"{dimension}_low": value - width, f"{dimension}_high": value + width}
        rows.append(row)
    return rows
