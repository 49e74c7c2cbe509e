"""Several searches side by side: the best value and the front's volume, against trials and against seconds.

All studies are measured with one reference point, the worst finished value of each axis over all of them
unless one is given, and volumes are shares of the box between it and the best value of each axis. Two searches of
different lengths are also compared after as many trials as the shorter one has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from results import pareto
from results.columns import direction_of
from results.front import eligible, front_of, infinite_count, plane_axes, points_of
from results.plots.axes import Axis, axis
from results.progress import Floats, best_so_far, hypervolume_so_far
from results.trial_result import FAILURES, FINISHED, Status
from space.errors import InputError


@dataclass(frozen=True)
class Trace:
    """How one search went. Entry i of each array is after i + 1 finished trials, in order of finishing.

    ``seconds`` is the evaluation time spent so far, summed over workers; ``best`` the best value of the first
    axis (NaN before there is one); ``hypervolume`` the share of the box.
    """

    study: str
    seconds: Floats
    best: Floats
    hypervolume: Floats


@dataclass(frozen=True)
class Comparison:
    """Traces of several searches with what they were measured by. ``reference`` and ``ideal`` are (y, x)."""

    x: Axis
    y: Axis
    reference: Floats
    ideal: Floats
    traces: tuple[Trace, ...]
    table: pd.DataFrame

    @property
    def reference_text(self) -> str:
        """The reference point in words."""
        return f"{self.y.text(float(self.reference[0]))}, {self.x.text(float(self.reference[1]))}"


def compare(
    frames: Mapping[str, pd.DataFrame],
    *,
    x: str | None = None,
    y: str | None = None,
    reference: Sequence[float] | None = None,
) -> Comparison:
    """Compares the studies whose frames of trials are given by name.

    The axes are those of the first study, or ``x`` and ``y``; ``reference`` is (y, x) in the columns' units.
    Where no trial has finished the reference and the volumes are NaN. Raises InputError where an axis is not
    known to every study.
    """
    first = next(iter(frames.values()))
    axes = plane_axes(first, x, y)
    directions = [direction_of(first, a) for a in axes]
    everything = np.vstack([_finished(frame, axes, name) for name, frame in frames.items()])
    worst = pareto.worst(everything, directions)
    ideal = pareto.worst(everything, [_OPPOSITE[d] for d in directions])
    point = worst if reference is None else np.asarray(reference, dtype=np.float64)
    traces = tuple(_trace(name, frame, axes, directions, point, ideal) for name, frame in frames.items())
    common = min((len(t.best) for t in traces), default=0)
    rows = [_row(t, frames[t.study], axes, common) for t in traces]
    y_axis, x_axis = (axis(a, [*everything[:, i], point[i]]) for i, a in enumerate(axes))
    return Comparison(x_axis, y_axis, point, ideal, traces, pd.DataFrame(rows))


_OPPOSITE = {"minimize": "maximize", "maximize": "minimize"}


def _finished(frame: pd.DataFrame, axes: Sequence[str], name: str) -> Floats:
    for column in axes:
        if column not in frame.columns:
            raise InputError.of("study", f"studies that all have {column}", f"{name}, which has not")
    points: Floats = points_of(frame.loc[eligible(frame)], axes)
    return points


def _trace(
    name: str,
    frame: pd.DataFrame,
    axes: Sequence[str],
    directions: Sequence[str],
    reference: Floats,
    ideal: Floats,
) -> Trace:
    done = frame.loc[frame["status"].isin(FINISHED).to_numpy()]
    done = done.sort_values(["finished", "number"], kind="stable")
    points = points_of(done, axes)
    points[~eligible(done)] = np.nan
    best = best_so_far(points[:, 0], directions[0])
    box = float(np.prod(np.abs(ideal - reference))) or 1.0
    volumes = hypervolume_so_far(points, directions, reference) / (box if np.isfinite(box) else np.nan)
    seconds = np.cumsum(done["seconds"].fillna(0.0).to_numpy(dtype="float64"))
    return Trace(name, seconds, best, volumes)


def _row(trace: Trace, frame: pd.DataFrame, axes: Sequence[str], common: int) -> dict[str, Any]:
    counts = frame["status"].value_counts()
    row: dict[str, Any] = {
        "study": trace.study,
        "finished": len(trace.best),
        "reused": int(counts.get(Status.REUSED, 0)),
        "failed": int(sum(counts.get(s, 0) for s in FAILURES)),
        "infinite": infinite_count(frame, axes),
        axes[0]: _last(trace.best, len(trace.best)),
        "front": len(front_of(frame, x=axes[1], y=axes[0])),
        "hypervolume": _last(trace.hypervolume, len(trace.hypervolume)),
        "seconds": _last(trace.seconds, len(trace.seconds)),
        "trials_to_best": _reached(trace.best),
        "common_trials": common,
        f"{axes[0]}_at_common": _last(trace.best, common),
        "hypervolume_at_common": _last(trace.hypervolume, common),
    }
    return row


def _last(values: Floats, count: int) -> float:
    return float(values[count - 1]) if count else float("nan")


def _reached(best: Floats) -> int | None:
    """After how many trials the final best was there."""
    if len(best) == 0 or np.isnan(best[-1]):
        return None
    return int(np.argmax(best == best[-1])) + 1
