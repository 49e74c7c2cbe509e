"""Reads a file of results (Parquet, CSV or JSON) into an evaluator, as a TOML file says (``evaluators.table_settings``)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluators.surrogate import fit
from evaluators.table import TableEvaluator
from evaluators.table_columns import options, read_columns
from evaluators.table_settings import TableSettings
from evaluators.table_space import space_and_positions
from space.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


def open_table(settings: TableSettings) -> TableEvaluator:
    """The evaluator that ``settings`` describe, its file read.

    Raises InputError, one line, for a table that cannot be read, lacks a column, holds a missing value or the
    same decisions twice (a surrogate may hold them), or does not fit the space that it names.
    """
    frame = read_columns(settings)
    name = settings.path.name
    space, positions = space_and_positions(settings, {c: options(frame[c]) for c in settings.decisions})
    groups = _groups(settings, positions)
    accuracies = _seeds(settings.scale.fractions(frame[list(settings.accuracy)].to_numpy(np.float64)), groups)
    low, high = np.nanmin(accuracies), np.nanmax(accuracies)
    if not (low >= 0 and high <= 1):
        shown = settings.scale.shown(np.array([low, high])) if settings.scale.is_loss else (low, high)
        raise InputError(
            f"table {name}: wanted {settings.scale.wanted} after unit = {settings.unit!r}, got "
            f"{min(shown):g} to {max(shown):g}"
        )
    truths = (
        _means(settings.scale.fractions(frame[settings.truth].to_numpy(np.float64)), groups)
        if settings.truth
        else np.nanmean(accuracies, axis=1)
    )
    costs = {
        cost: _means(frame[column].to_numpy(np.float64) * scale, groups)
        for cost, (column, scale) in settings.costs.items()
    }
    rows = tuple(positions[group[0]] for group in groups)
    surrogate = None
    if settings.lookup == "surrogate":
        surrogate = fit(space, np.array(rows), np.nanmean(accuracies, axis=1), costs)
    return TableEvaluator(
        settings,
        space,
        rows,
        accuracies,
        truths,
        costs,
        _keys(settings, frame, groups),
        _checksum(settings.path),
        surrogate,
        _index(rows),
    )


def _groups(settings: TableSettings, positions: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """The rows of the file that make one row of the table each, in order.

    Where a row is one training those of the same decisions belong together; otherwise each stands alone.
    """
    if settings.rows == "trainings":
        found: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(positions):
            found.setdefault(row, []).append(number)
        return list(found.values())
    first: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(positions):
        known = first.setdefault(row, number)
        if known != number and settings.lookup == "exact":
            raise InputError(
                f"table {settings.path.name}: wanted distinct decisions, got rows {known} and {number} with the same "
                "(rows = 'trainings' takes them for trainings of one network)"
            )
    return [[number] for number in range(len(positions))]


def _index(rows: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
    """The first row of each assignment."""
    index: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(rows):
        index.setdefault(row, number)
    return index


def _seeds(values: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """The results of each group side by side, filled up with nan: shape (groups, the most of any)."""
    if all(len(group) == 1 for group in groups):
        return values
    each = [values[list(group)].ravel() for group in groups]
    each = [row[~np.isnan(row)] for row in each]
    filled = np.full((len(each), max(map(len, each))), np.nan)
    for row, found in zip(filled, each, strict=True):
        row[: len(found)] = found
    return filled


def _means(values: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    return np.array([values[list(group)].mean() for group in groups])


def _keys(
    settings: TableSettings, frame: pd.DataFrame, groups: Sequence[Sequence[int]]
) -> tuple[str, ...] | None:
    if settings.key is None:
        return None
    if frame[settings.key].isna().any():
        row = int(np.argmax(frame[settings.key].isna().to_numpy()))
        raise InputError(
            f"table {settings.path.name}: wanted a value in column {settings.key!r} of row {row}, got none"
        )
    keys = frame[settings.key].astype(str).tolist()
    for group in groups:
        if len({keys[row] for row in group}) > 1:
            named = " and ".join(sorted({keys[row] for row in group})[:2])
            raise InputError(
                f"table {settings.path.name}: trainings of the same decisions have keys {named} (row {group[0]})"
            )
    return tuple(keys[group[0]] for group in groups)


def _checksum(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=10).hexdigest()
