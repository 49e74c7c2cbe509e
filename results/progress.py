"""How a search went: the best value so far and the hypervolume reached, one entry for each trial, in order.

Comparisons, still pictures and the report draw these series; they are derived here alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from results import pareto

Floats = NDArray[np.float64]


def best_so_far(values: Floats, direction: str) -> Floats:
    """The best of the first i + 1 ``values``, which skips NaN; NaN before there is one."""
    best: Floats = (np.fmax if direction == "maximize" else np.fmin).accumulate(values)
    return best


def hypervolume_so_far(points: Floats, directions: Sequence[str], reference: Floats) -> Floats:
    """The hypervolume of the first i + 1 ``points`` (trials, axes) above ``reference``.

    NaN where the reference point is not finite: no trial has finished.
    """
    if not np.isfinite(reference).all():
        return np.full(len(points), np.nan)
    volumes: Floats = pareto.growth(points, directions, reference)
    return volumes
