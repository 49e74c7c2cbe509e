"""The Pareto front of a frame of trials: along which axes, of which rows, in which order.

Everything that needs a front starts here: commands, comparisons, still pictures and the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from results import pareto
from results.columns import COSTS, column_name, direction_of, objectives_of
from results.trial_result import MERITS, Status
from space.errors import InputError

_ACCURACIES = (*MERITS, "accuracy_mean")
# MACs where they are known, else the first cost that is.
_COST_AXES = ("macs", *(cost for cost in COSTS if cost != "macs"), "latency_seconds")


def front_of(frame: pd.DataFrame, *, x: str | None = None, y: str | None = None) -> pd.DataFrame:
    """The rows of a frame of trials that are on its front, best accuracy first; see ``front``."""
    axes = front_axes(frame, x, y)
    points, directions = points_of(frame, axes), [direction_of(frame, a) for a in axes]
    candidates = eligible(frame) & np.isfinite(points).all(axis=1)
    member = np.zeros(len(frame), dtype=bool)
    member[candidates] = pareto.front(points[candidates], directions)
    chosen = frame.loc[member].copy()
    chosen["rank"] = pd.Series(1, index=chosen.index, dtype="Int64")
    accurate = y is not None or axes[0] in _ACCURACIES
    order = axes if accurate else [merit_column(frame, MERITS[0]), *axes]
    return _best_first(_once(chosen, axes), order)


def eligible(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of the rows that may enter a front: finished well, and not known to break a budget.

    A repeat does not: it counts in the mean of its network, whose row is that of its first trial. Nor does a stock network: the
    front is of what was found.
    """
    done = (frame["state"] == Status.OK.state) & frame["status"].isin((Status.OK, Status.REUSED))
    for column in ("repeat_of", "stock"):
        if column in frame:
            done &= frame[column].isna()
    return np.asarray(done & frame["feasible"].fillna(True), dtype=bool)


def stock_rows(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of the stock networks that were measured to the end and are not known to break a budget."""
    if "stock" not in frame:
        return np.zeros(len(frame), dtype=bool)
    done = frame["stock"].notna() & (frame["status"] == Status.OK)
    return np.asarray(done & frame["feasible"].fillna(True), dtype=bool)


def merit_column(frame: pd.DataFrame, merit: str) -> str:
    """The column to judge networks by: their mean accuracy in a study with repeats, else ``merit`` itself."""
    repeated = "accuracy_mean" in frame and frame["accuracy_mean"].notna().any()
    return "accuracy_mean" if repeated else merit


def default_axes(frame: pd.DataFrame) -> list[str]:
    """The columns of the study's objectives; for a single one, the accuracy that it is about and the cost that is known.

    In a study with repeats, the accuracy is the networks' mean.
    """
    axes = [merit_column(frame, a) if a in MERITS else a for a in objectives_of(frame)]
    if len(axes) > 1:
        return axes
    if not frame["accuracy"].notna().any() and axes:
        return axes
    merit = axes[0] if axes and axes[0] in _ACCURACIES else merit_column(frame, "accuracy")
    known = [cost for cost in _COST_AXES if frame[cost].notna().any()]
    return [merit, *(known[:1] or ["macs"])]


def front_axes(frame: pd.DataFrame, x: str | None, y: str | None) -> list[str]:
    """The columns that span a front, y first, with ``x`` and ``y`` in place of the default ones."""
    axes = default_axes(frame)
    if x is None and y is None:
        return axes
    vertical = column_name(frame, y, "--y") if y else axes[0]
    horizontal = column_name(frame, x, "--x") if x else next((a for a in axes[1:] if a != vertical), "macs")
    for name, option in ((horizontal, "--x"), (vertical, "--y")):
        if direction_of(frame, name) == "":
            known = ", ".join(c for c in frame.columns if direction_of(frame, c))
            raise InputError.of(option, f"a column that can be better or worse ({known})", name)
    return [vertical] if horizontal == vertical else [vertical, horizontal]


def points_of(frame: pd.DataFrame, axes: Sequence[str]) -> pareto.Points:
    """The values of the columns ``axes``, one row per trial, NaN where missing or infinite.

    An infinite value is what some programs store for "failed"; ``infinite_count`` says how many there are.
    """
    if not axes:
        return np.empty((len(frame), 0))
    points = np.column_stack([frame[a].to_numpy(dtype="float64", na_value=np.nan) for a in axes])
    points[np.isinf(points)] = np.nan
    return points


def infinite_count(frame: pd.DataFrame, axes: Sequence[str]) -> int:
    """How many finished trials have an infinite value on one of ``axes``, and so take no part in a front."""
    values = [frame.loc[eligible(frame), a].to_numpy(dtype="float64", na_value=np.nan) for a in axes]
    return int(np.isinf(np.column_stack(values)).any(axis=1).sum()) if values else 0


def plane_axes(frame: pd.DataFrame, x: str | None, y: str | None) -> list[str]:
    """The two columns that a picture or a comparison spans, y first.

    A study with one objective and no costs is seen against the trials' numbers: its front is the best so far.
    """
    axes = front_axes(frame, x, y)
    if len(axes) < 2 and axes != ["number"]:
        axes = [*axes, "number"]
    if len(axes) < 2:
        raise InputError.of("--x", "a second column beside --y", axes[0])
    return axes[:2]


def ranks_of(frame: pd.DataFrame, axes: Sequence[str]) -> Any:
    """The non-dominated rank of each row along ``axes``, from 1; NA for a row that takes no part."""
    points = points_of(frame, axes)
    candidates = eligible(frame) & np.isfinite(points).all(axis=1)
    points[~candidates] = np.nan
    ranks = pareto.ranks(points, [direction_of(frame, a) for a in axes])
    return pd.arrays.IntegerArray(ranks, ranks == 0)


def _once(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Without the repeats of a network at the same point; the row that was measured stays."""
    measured_first = frame.assign(_reused=frame["status"] == Status.REUSED).sort_values(["_reused", "number"])
    repeated = measured_first["key"].notna() & measured_first.duplicated(["key", *axes])
    return measured_first.loc[~repeated, frame.columns]


def _best_first(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    by = [a for a in dict.fromkeys(axes) if frame[a].notna().any()]
    ascending = [direction_of(frame, a) != "maximize" for a in by]
    ordered = frame.sort_values([*by, "number"], ascending=[*ascending, True], kind="stable")
    return ordered.reset_index(drop=True)
