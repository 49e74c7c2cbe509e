"""Fronts of point sets: who is not dominated, in what order the rest follow, and how much a front covers.

Points are rows, objectives are columns, and each objective has a direction, ``"minimize"`` or
``"maximize"``. One point dominates another if it is no worse in every objective and better in one; equal
points do not dominate each other, so ties stay together. A row with a NaN is no measurement: it is never
on a front, has rank 0 and covers nothing. Infinities are values like any other.

Dominance, ranks and hypervolume come from moocore (López-Ibáñez et al.); what it leaves to its callers
(missing values, crowding, knee, ε-front, growth) is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

from space.errors import InputError

DIRECTIONS = ("minimize", "maximize")

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]


def maximised(directions: Sequence[str]) -> list[bool]:
    """Which objectives are to be maximised. Raises InputError for anything but the two directions."""
    for direction in directions:
        if direction not in DIRECTIONS:
            raise InputError.of("directions", " or ".join(DIRECTIONS), direction)
    return [direction == "maximize" for direction in directions]


def _points(points: ArrayLike, directions: Sequence[str]) -> Points:
    array = np.asarray(points, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, len(directions))
    if array.ndim != 2 or array.shape[1] != len(directions):
        wanted = f"rows of {len(directions)} objectives, one per direction"
        raise InputError(f"points: wanted {wanted}, got an array of shape {array.shape}")
    return array


def _minimised(points: Points, directions: Sequence[str]) -> Points:
    """The same points with every objective to be minimised."""
    sign = np.where(maximised(directions), -1.0, 1.0)
    return points * sign


def _comparable(points: Points) -> tuple[Points, Mask | None]:
    """The rows without a NaN, free of infinities and in the same order along every objective; and which rows they are.

    None stands for all rows. moocore 0.3 misjudges infinities in four or more objectives, so where there are
    any, the values of their columns give way to their ranks: dominance only looks at order.
    """
    # A sum is finite only where every value is: one cheap pass spares most callers the rest.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(points.sum()):
            return points, None
    missing = np.isnan(points).any(axis=1)
    known: Mask | None = np.logical_not(missing) if missing.any() else None
    rows = points if known is None else points[known]
    infinite = np.isinf(rows).any(axis=0)
    if infinite.any():
        rows = rows.copy()
        for column in np.flatnonzero(infinite):
            rows[:, column] = np.unique(rows[:, column], return_inverse=True)[1]
    return rows, known


def front(points: ArrayLike, directions: Sequence[str]) -> Mask:
    """A mask of the rows that no other row dominates; equal rows are on the front together."""
    array, maximise = _points(points, directions), maximised(directions)
    rows, known = _comparable(array)
    if len(rows) == 0:
        return np.zeros(len(array), dtype=bool)
    members = cast(Mask, moocore.is_nondominated(rows, maximise=maximise, keep_weakly=True))
    if known is None:
        return members
    mask = np.zeros(len(array), dtype=bool)
    mask[known] = members
    return mask


def ranks(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.int64]:
    """Non-dominated ranks (Deb et al. 2002, "fast non-dominated sort"): 1 is the front, 0 a row with a NaN.

    Rank k + 1 is the front of what is left when ranks 1 to k are taken away.
    """
    array, maximise = _points(points, directions), maximised(directions)
    rows, known = _comparable(array)
    result = np.zeros(len(array), dtype=np.int64)
    if len(rows) == 0:
        return result
    if len(maximise) == 1:  # moocore 0.3 gets a single objective wrong; its ranks are those of the values
        column = -rows[:, 0] if maximise[0] else rows[:, 0]
        level = np.unique(column, return_inverse=True)[1]
    else:
        level = moocore.pareto_rank(rows, maximise=maximise)
    result[slice(None) if known is None else known] = level + 1
    return result


def crowding(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """Crowding distances within each rank (Deb et al. 2002, §III-B): large where a point stands alone.

    The end points of every objective have an infinite distance; a row with a NaN has 0. Each objective is
    scaled by its range within the rank.
    """
    array = _points(points, directions)
    level = ranks(array, directions)
    distance = np.zeros(len(array))
    for rank in range(1, int(level.max(initial=0)) + 1):
        members = np.flatnonzero(level == rank)
        for column in array[members].T:
            order = members[np.argsort(column, kind="stable")]
            values = np.sort(column, kind="stable")
            distance[order[[0, -1]]] = np.inf
            extent = values[-1] - values[0]
            if len(values) > 2 and np.isfinite(extent) and extent > 0:
                distance[order[1:-1]] += (values[2:] - values[:-2]) / extent
    return distance


def worst(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """The worst finite value of each objective: a reference point that every search can state.

    NaN for an objective without a finite value.
    """
    array, maximise = _points(points, directions), maximised(directions)
    reference = np.full(len(maximise), np.nan)
    for index, maximal in enumerate(maximise):
        column = array[:, index]
        column = column[np.isfinite(column)]
        if len(column):
            reference[index] = column.min() if maximal else column.max()
    return reference


def hypervolume(points: ArrayLike, directions: Sequence[str], reference: ArrayLike) -> float:
    """The volume that ``points`` dominate up to ``reference``, in the product of the objectives' units.

    Points that are not better than the reference in every objective add nothing. Infinite if one that
    counts is infinitely good.
    """
    array = _points(points, directions)
    ref = _reference(reference, directions)
    low = _minimised(array, directions)
    inside = low[(low < ref).all(axis=1)]
    if len(inside) == 0:
        return 0.0
    if np.isneginf(inside).any():
        return float("inf")
    return float(moocore.hypervolume(inside, ref=ref))


def _reference(reference: ArrayLike, directions: Sequence[str]) -> Points:
    """The reference point, oriented for minimisation. Raises InputError unless one finite number per objective."""
    ref = np.asarray(reference, dtype=np.float64)
    if ref.shape != (len(directions),) or not np.isfinite(ref).all():
        raise InputError.of("reference", f"{len(directions)} finite numbers", np.asarray(reference).tolist())
    oriented: Points = _minimised(ref[None, :], directions)[0]
    return oriented


def knee(points: ArrayLike, directions: Sequence[str]) -> int | None:
    """The row of the front's knee: the member that bulges furthest towards the ideal point.

    Each objective is scaled by the front's own range to [0, 1], and the distance is measured from the plane
    through the extremes (Das 1999, "On characterizing the knee of the Pareto curve"): the member with the
    smallest sum of scaled objectives. None where no row is finite.
    """
    array = _points(points, directions)
    members = np.flatnonzero(front(array, directions) & np.isfinite(array).all(axis=1))
    if len(members) == 0:
        return None
    low = _minimised(array[members], directions)
    extent = np.ptp(low, axis=0)
    scaled = (low - low.min(axis=0)) / np.where(extent > 0, extent, 1.0)
    return int(members[np.argmin(scaled.sum(axis=1))])


def growth(points: ArrayLike, directions: Sequence[str], reference: ArrayLike) -> NDArray[np.float64]:
    """The hypervolume after 1, 2, … n rows: how a front grew as its points came in. Never falls.

    Only a row that the front so far does not dominate can change the volume, so only those are measured.
    """
    array = _points(points, directions)
    ref = _reference(reference, directions)
    low = _minimised(array, directions)
    volumes = np.zeros(len(array))
    members, volume = np.empty((0, len(directions))), 0.0
    for index, point in enumerate(low):
        if (point < ref).all() and not (members <= point).all(axis=1).any():
            members = np.vstack([members[~(point <= members).all(axis=1)], point])
            volume = max(volume, hypervolume(members, ["minimize"] * len(ref), ref))
        volumes[index] = volume
    return volumes
