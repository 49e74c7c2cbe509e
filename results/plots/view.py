"""A frame of trials seen along two axes: what every picture of a front starts from, still or on a page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from results import pareto
from results.columns import STATUSES, direction_of
from results.front import eligible, front_of, infinite_count, plane_axes, points_of, stock_rows
from results.plots.axes import Axis, axis, lowered
from results.progress import Floats, best_so_far, hypervolume_so_far
from results.trial_result import MERITS, Status


@dataclass(frozen=True)
class View:
    """A frame of trials, its front along the two axes, and the axes."""

    frame: pd.DataFrame
    front: pd.DataFrame
    x: Axis
    y: Axis

    @classmethod
    def of(cls, frame: pd.DataFrame, x: str | None = None, y: str | None = None) -> View:
        """The view along the study's own axes or the given ones; see ``results.front.plane_axes``."""
        vertical, horizontal = plane_axes(frame, x, y)
        front = front_of(frame, x=horizontal, y=vertical)
        values = points_of(frame, [horizontal, vertical])
        return cls(frame, front, axis(horizontal, values[:, 0]), axis(vertical, values[:, 1]))

    def points(self, frame: pd.DataFrame) -> pareto.Points:
        """(x, y) of the rows of ``frame`` in the units of the axes."""
        scaled: pareto.Points = points_of(frame, [self.x.column, self.y.column])
        scaled /= np.array([self.x.scale, self.y.scale])
        return scaled

    @cached_property
    def stock(self) -> pd.DataFrame:
        """The measured stock networks that have a place in the plane."""
        placed = np.asarray(np.isfinite(self.points(self.frame)).all(axis=1), dtype=bool)
        rows: pd.DataFrame = self.frame.loc[stock_rows(self.frame) & placed]
        return rows

    def stock_names(self) -> list[str]:
        """The names of ``stock`` without what follows the ``@``: how it was scaled."""
        return [name.partition("@")[0] for name in self.stock["stock"]]

    def named_members(self) -> dict[int, str]:
        """Row → word for the members of the front that stand out: the ``best``, the ``knee`` and the ``cheapest``, each once."""
        if self.front.empty:
            return {}
        points = self.points(self.front)
        cheapest = int(np.argmin(points[:, 0] * (1 if self.directions[0] == "minimize" else -1)))
        named: dict[int, str] = {}
        for row, word in (0, "best"), (pareto.knee(points, self.directions), "knee"), (cheapest, "cheapest"):
            if row is not None:
                named.setdefault(row, word)
        return named

    def errors(self, frame: pd.DataFrame) -> Floats | None:
        """The standard errors of the rows of ``frame`` in the unit of the y axis; None where the axis has none."""
        if self.y.column != "accuracy_mean":
            return None
        errors: Floats = frame["accuracy_sem"].to_numpy(dtype="float64") / self.y.scale
        return errors

    def intervals(self, frame: pd.DataFrame) -> Floats:
        """The ends of the noise bars of the rows of ``frame`` (n, 2) in the unit of the y axis; NaN where none is known.

        A verified network has the interval of its verification, whichever accuracy the axis shows: it may lie beside a lucky
        measurement. Otherwise a mean of several measurements has its standard error to both sides.
        """
        ends: Floats = np.full((len(frame), 2), np.nan)
        if self.y.column in (*MERITS, "accuracy_mean", "verified_accuracy"):
            ends = frame[["verified_low", "verified_high"]].to_numpy(dtype="float64") / self.y.scale
        errors = self.errors(frame)
        if errors is not None:
            values = frame[self.y.column].to_numpy(dtype="float64") / self.y.scale
            around = np.column_stack([values - errors, values + errors])
            ends = np.where(np.isnan(ends), around, ends)
        return ends

    @property
    def directions(self) -> list[str]:
        """Which way is better along x and along y."""
        return [direction_of(self.frame, self.x.column), direction_of(self.frame, self.y.column)]

    def staircase(self) -> pareto.Points:
        """The corners of the line between what is reached and what is not, from the cheap end to the best."""
        corners = self.points(self.front)
        corners = corners[np.lexsort((corners[:, 1], corners[:, 0]))]
        if len(corners) < 2:
            return corners
        # With the x axis to be minimised, the merit of a point holds for everything more expensive: step after it.
        after = self.directions[0] == "minimize"
        between = np.column_stack(
            [corners[1:, 0], corners[:-1, 1]] if after else [corners[:-1, 0], corners[1:, 1]]
        )
        steps = np.empty((2 * len(corners) - 1, 2))
        steps[0::2], steps[1::2] = corners, between
        return steps

    def best_so_far(self) -> tuple[Floats, Floats, Floats]:
        """(trial from 1, its value, the best value so far) of each finished trial, in order of number.

        Values are in the unit of the y axis.
        """
        rows = self._finished()
        values, numbers = self.points(rows)[:, 1], rows["number"].to_numpy(dtype="float64") + 1
        shown = np.isfinite(values)
        return numbers[shown], values[shown], best_so_far(values[shown], self.directions[1])

    def hypervolume_so_far(self) -> tuple[Floats, Floats]:
        """(trial from 1, hypervolume of the front in percent of where it ended); NaN where nothing has finished."""
        rows = self._finished()
        volumes = hypervolume_so_far(self.points(rows), self.directions, self.reference)
        final = volumes[-1] if len(volumes) and volumes[-1] > 0 else 1.0
        return rows["number"].to_numpy(dtype="float64") + 1, 100 * volumes / final

    def _finished(self) -> pd.DataFrame:
        return self.frame[eligible(self.frame)].sort_values("number")

    @property
    def reference(self) -> pareto.Points:
        """The reference point of hypervolumes, in the units of the axes: the worst value of each among finished trials."""
        return pareto.worst(self.points(self.frame.loc[eligible(self.frame)]), self.directions)

    @property
    def reference_text(self) -> str:
        """The reference point in words: ``71.2 %, 7.09 M``."""
        x, y = self.reference
        return f"{self.y.text(y * self.y.scale)}, {self.x.text(x * self.x.scale)}"

    @property
    def name(self) -> str:
        """The study's name, cut to what fits a title."""
        name = str(self.frame.attrs.get("study", "study"))
        return name if len(name) <= 32 else f"{name[:31]}…"

    @property
    def title(self) -> str:
        """What the picture of the front shows."""
        return f"{self.name}: {lowered(self.y.title)} against {lowered(self.x.title)}"

    @property
    def subtitle(self) -> str:
        """How many trials there are, by what became of them, and how many make the front."""
        counts = self.frame["status"].value_counts()
        other = (f"{counts[s]} {s}" for s in STATUSES if s != Status.OK and counts.get(s))
        parts = [f"{len(self.frame)} trials", *other]
        infinite = infinite_count(self.frame, [self.x.column, self.y.column])
        if infinite:
            parts.append(f"{infinite} infinite, left out")
        return " · ".join([*parts, f"{len(self.front)} on the front"])
