"""How much of a table's true front a search has found: hypervolume in accuracy and the logarithms of costs.

What halves a cost counts the same at a small network as at a large one. The reference point lies a little beyond the
front's own nadir, the lowest accuracy and the highest costs of its members: networks that are worse than all of them
neither count nor move it (Ishibuchi, Imada, Setoguchi and Nojima 2018, on how to specify a reference point).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.pareto import front, hypervolume, worst

Floats = NDArray[np.float64]
BEYOND = 0.1
"""How far the reference point lies beyond the nadir, as a share of the front's extent."""
_SAME = 1e-9
"""Accuracies or logarithms of costs that differ by less are equal."""


@dataclass(frozen=True)
class TrueFront:
    """The front of all networks by their true values; ``reference`` is (accuracy, logarithms of costs …).

    ``smallest`` are the smallest positive costs: one of 0 or below, which a model of costs may predict, counts as
    that. ``volume`` is the front's hypervolume, ``members`` the number of its points.
    """

    directions: tuple[str, ...]
    smallest: tuple[float, ...]
    reference: tuple[float, ...]
    volume: float
    members: int

    @classmethod
    def of(cls, points: ArrayLike, directions: Sequence[str]) -> TrueFront:
        """The front of ``points`` (networks, objectives): accuracies upwards, then costs downwards."""
        values = np.asarray(points, dtype=np.float64)
        positive = np.where(values[:, 1:] > 0, values[:, 1:], np.inf).min(axis=0)
        smallest = tuple(float(cost) for cost in np.where(np.isfinite(positive), positive, 1.0))
        logged = _logged(values, smallest)
        members = np.unique(logged[front(logged, directions)], axis=0)
        # The front of a single point has no extent: that of all networks stands in for it, or 1.
        extent = np.ptp(members, axis=0)
        extent = np.where(extent > _SAME, extent, np.ptp(logged, axis=0))
        extent = np.where(extent > _SAME, extent, 1.0)
        outwards = np.where(np.array(directions) == "maximize", -1.0, 1.0)
        reference = worst(members, directions) + BEYOND * outwards * extent
        volume = hypervolume(members, directions, reference)
        return cls(tuple(directions), smallest, tuple(reference.tolist()), volume, len(members))

    @property
    def costs(self) -> tuple[float, ...]:
        """The costs of the reference point, in their units."""
        return tuple(float(cost) for cost in np.exp(self.reference[1:]))

    def share(self, points: ArrayLike) -> float:
        """The hypervolume of ``points`` (networks, objectives), as a share of the front's own."""
        values = np.asarray(points, dtype=np.float64)
        if not len(values):
            return 0.0
        return hypervolume(_logged(values, self.smallest), self.directions, self.reference) / self.volume


def _logged(points: Floats, smallest: Sequence[float]) -> Floats:
    return np.column_stack([points[:, 0], np.log(np.maximum(points[:, 1:], smallest))])
