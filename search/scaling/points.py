"""Measured networks as points: multipliers of a base network, and accuracies."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from results.toml_file import read_text_file
from search.scaling.laws import Array
from space.errors import InputError
from space.limits import LARGEST_FACTOR

DIMENSIONS = ("depth", "width", "resolution")


@dataclass(frozen=True)
class Points:
    """Measured networks: ``multipliers`` of shape (n, 3), in the order of DIMENSIONS, and accuracies in [0, 1].

    Raises InputError for values out of range, naming the row.
    """

    multipliers: Array
    accuracy: Array

    def __post_init__(self) -> None:
        for row, (multipliers, accuracy) in enumerate(zip(self.multipliers, self.accuracy, strict=True), 1):
            for name, value in zip(DIMENSIONS, multipliers, strict=True):
                if not np.isfinite(value) or value <= 0:
                    raise InputError.of(f"{name}, row {row}", "a positive multiplier", float(value))
                if value < 1 / LARGEST_FACTOR:
                    wanted = f"a multiplier of at least {1 / LARGEST_FACTOR:g}"
                    raise InputError.of(f"{name}, row {row}", wanted, float(value))
                if value >= 20:
                    raise InputError.of(
                        f"{name}, row {row}", "a multiplier of the base network (not pixels)", float(value)
                    )
            if not 0 <= accuracy <= 1:
                raise InputError.of(f"accuracy, row {row}", "a fraction in [0, 1]", float(accuracy))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Points:
        """The points in ``rows``, mappings with the keys depth, width, resolution and accuracy."""
        table = list(rows)
        wanted = (*DIMENSIONS, "accuracy")
        missing = [name for name in wanted if table and name not in table[0]]
        if missing:
            raise InputError.of(
                "points", f"the columns {', '.join(wanted)}", f"none called {', '.join(missing)}"
            )
        values = np.empty((len(table), 4))
        for index, row in enumerate(table):
            for column, name in enumerate(wanted):
                try:
                    values[index, column] = float(row[name])
                except (TypeError, ValueError):
                    raise InputError.of(f"{name}, row {index + 1}", "a number", row[name]) from None
        return cls(values[:, :3], values[:, 3])

    @classmethod
    def read(cls, path: str | Path) -> Points:
        """The points in a CSV file with the columns depth, width, resolution, accuracy (others are ignored)."""
        return cls.of(read_rows(path))

    @property
    def varied(self) -> tuple[int, ...]:
        """The dimensions that take more than one value."""
        return tuple(j for j in range(3) if np.ptp(self.multipliers[:, j]) > 1e-9)

    @property
    def distinct(self) -> Array:
        """The distinct networks, shape (m, 3)."""
        return np.asarray(np.unique(self.multipliers.round(9), axis=0), dtype=np.float64)

    @property
    def logs(self) -> Array:
        """The logarithms of the varied multipliers, shape (n, len(varied)): what the laws take."""
        return np.asarray(np.log(self.multipliers[:, self.varied]), dtype=np.float64)

    @property
    def percent(self) -> Array:
        """The accuracies in points: what the laws predict."""
        return 100 * self.accuracy

    def __len__(self) -> int:
        return len(self.accuracy)


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a CSV file of points, by column. Raises InputError for a file that is none, or empty."""
    content = read_text_file(path, "points", "a CSV file")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        rows = [{k.strip(): v for k, v in row.items() if k} for row in reader]
        names = [name.strip() for name in reader.fieldnames or []]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError.of("points", "a CSV file", f"{path} ({error})") from None
    if not rows:
        raise InputError.of("points", "rows of depth, width, resolution, accuracy", f"an empty file {path}")
    return [{name: row.get(name) for name in names} for row in rows]
