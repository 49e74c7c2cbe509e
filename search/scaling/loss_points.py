"""Measured losses of scaled networks: which network, how long it was trained, with which seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.scaling.laws import Array
from search.scaling.points import DIMENSIONS
from space.errors import InputError

COLUMNS = (*DIMENSIONS, "macs", "epochs", "loss")
"""What a row must have; ``seed`` (default 0) may be added."""


@dataclass(frozen=True)
class LossPoints:
    """Trainings, one or more points each: ``multipliers`` (n, 3), exact ``macs``, ``epochs``, ``loss`` in nats, and ``seed``.

    Points of one network and one seed are of one training: they share its luck. Points of one seed share the seed's. Raises
    InputError for values out of range, naming the row.
    """

    multipliers: Array
    macs: Array
    epochs: Array
    loss: Array
    seed: NDArray[np.int64]

    def __post_init__(self) -> None:
        figures = np.column_stack([self.multipliers, self.macs, self.epochs, self.loss])
        for row, values in enumerate(figures, 1):
            for name, value in zip(COLUMNS, values, strict=True):
                if not np.isfinite(value) or value <= 0:
                    raise InputError.of(f"{name}, row {row}", "a positive number", float(value))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> LossPoints:
        """The points in ``rows``, mappings with the keys of COLUMNS, and ``seed`` where there are several."""
        table = list(rows)
        missing = [name for name in COLUMNS if not table or name not in table[0]]
        if missing:
            wanted = f"the columns {', '.join(COLUMNS)}"
            raise InputError.of("points", wanted, f"none called {', '.join(missing)}" if table else "no row")
        values = np.empty((len(table), len(COLUMNS)))
        seeds = np.zeros(len(table), dtype=np.int64)
        for index, row in enumerate(table):
            for column, name in enumerate(COLUMNS):
                try:
                    values[index, column] = float(row[name])
                except (TypeError, ValueError):
                    raise InputError.of(f"{name}, row {index + 1}", "a number", row[name]) from None
            try:
                seeds[index] = given = float(row.get("seed", 0))
                if seeds[index] != given:
                    raise ValueError
            except (TypeError, ValueError, OverflowError):
                raise InputError.of(f"seed, row {index + 1}", "a whole number", row["seed"]) from None
        return cls(values[:, :3], values[:, 3], values[:, 4], values[:, 5], seeds)

    @property
    def varied(self) -> tuple[int, ...]:
        """The dimensions that take more than one value."""
        return tuple(j for j in range(3) if np.ptp(self.multipliers[:, j]) > 1e-9)

    @property
    def logs(self) -> Array:
        """Logarithms of the varied multipliers and of the compute (MACs × epochs), shape (n, len(varied) + 1)."""
        compute = self.macs * self.epochs
        return np.log(np.column_stack([self.multipliers[:, self.varied], compute]))

    @property
    def networks(self) -> NDArray[np.int64]:
        """For each point the number of its network, from 0."""
        rows = np.column_stack([self.multipliers.round(9), self.macs])
        return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)

    @property
    def runs(self) -> NDArray[np.int64]:
        """For each point the number of its training, from 0: one network with one seed."""
        rows = np.column_stack([self.networks, self.seed])
        return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)

    @property
    def lengths(self) -> tuple[float, ...]:
        """The training lengths in epochs, in order."""
        return tuple(float(value) for value in np.unique(self.epochs))

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True)
class CostModel:
    """Exact MACs as a power law of the multipliers around the measured networks: ln MACs = level + Σ powers_j·ln x_j.

    EfficientNet's powers are (1, 2, 2); stems, heads and depthwise layers make those of a real network smaller.
    """

    level: float
    powers: Array

    @classmethod
    def of(cls, points: LossPoints) -> CostModel:
        """Least squares over the distinct networks. Raises InputError where they do not determine the powers."""
        x = points.logs[:, :-1]
        first = np.unique(points.networks, return_index=True)[1]
        columns = np.column_stack([np.ones(len(first)), x[first]])
        found, _, rank, _ = np.linalg.lstsq(columns, np.log(points.macs[first]), rcond=None)
        if rank < columns.shape[1] or (found[1:] <= 0).any():
            wanted = "networks whose MACs grow with every dimension that varies, each apart from the others"
            raise InputError.of("points", wanted, f"{len(first)} networks that do not")
        return cls(float(found[0]), np.asarray(found[1:], dtype=np.float64))
