"""A frame of trials seen along two axes: what every picture of a front starts from, still or on a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from results import pareto
from results.axes import Axis, axis
from results.frame import direction_of, eligible, front_axes, front_of, points_of
from space.errors import InputError


@dataclass(frozen=True)
class View:
    """A frame of trials, its front along the two axes, and the axes."""

    frame: pd.DataFrame
    front: pd.DataFrame
    x: Axis
    y: Axis

    @classmethod
    def of(cls, frame: pd.DataFrame, x: str | None = None, y: str | None = None) -> View:
        """The view along the study's own axes or the given ones. Raises InputError where there are not two."""
        axes = front_axes(frame, x, y)
        if len(axes) < 2:
            raise InputError.of("--x", "a second column to draw the front against", axes)
        vertical, horizontal = axes[:2]
        front = front_of(frame, x=horizontal, y=vertical)
        values = points_of(frame, [horizontal, vertical])
        return cls(frame, front, axis(horizontal, values[:, 0]), axis(vertical, values[:, 1]))

    def points(self, frame: pd.DataFrame) -> pareto.Points:
        """(x, y) of the rows of ``frame`` in the units of the axes."""
        scaled: pareto.Points = points_of(frame, [self.x.column, self.y.column])
        scaled /= np.array([self.x.scale, self.y.scale])
        return scaled

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
        # With the x axis to be minimised, the merit of a point holds for everything dearer: step after it.
        after = self.directions[0] == "minimize"
        between = np.column_stack(
            [corners[1:, 0], corners[:-1, 1]] if after else [corners[:-1, 0], corners[1:, 1]]
        )
        steps = np.empty((2 * len(corners) - 1, 2))
        steps[0::2], steps[1::2] = corners, between
        return steps

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
        other = ("reused", "pruned", "infeasible", "failed", "oom", "stale", "running")
        parts = [f"{len(self.frame)} trials", *(f"{counts[s]} {s}" for s in other if counts.get(s))]
        return " · ".join([*parts, f"{len(self.front)} on the front"])


def lowered(title: str) -> str:
    """A title inside a sentence: ``validation accuracy``, but ``MACs``."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
