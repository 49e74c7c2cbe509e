"""Reads a file of results (Parquet, CSV or JSON) into an evaluator, as a TOML file says (``evaluators.table_settings``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluators.surrogate import fit
from evaluators.table import TableEvaluator
from evaluators.table_settings import UNITS, TableSettings
from space.errors import InputError, UnknownNameError
from space.search_space import Decision, Option, SearchSpace
from space.spaces import space as space_of

if TYPE_CHECKING:
    import pandas as pd


def open_table(settings: TableSettings) -> TableEvaluator:
    """The evaluator that ``settings`` describe, its file read.

    Raises InputError, one line, for a table that cannot be read, lacks a column, holds a missing value or the
    same decisions twice (a surrogate may hold them), or does not fit the space that it names.
    """
    frame = _read(settings)
    raw = {column: _options(frame[column]) for column in settings.decisions}
    space, columns = _space(settings, raw)
    positions = [
        [_position(decision, value, column) for value in raw[column]]
        for decision, column in zip(space.decisions, columns, strict=True)
    ]
    rows = tuple(zip(*positions, strict=True))
    index: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(rows):
        first = index.setdefault(row, number)
        if first != number and settings.lookup == "exact":
            raise InputError(
                f"table {settings.path.name}: wanted distinct decisions, got rows {first} and {number} with the same"
            )
    accuracies = frame[list(settings.accuracy)].to_numpy(dtype=np.float64) * UNITS[settings.unit]
    if accuracies.min() < 0 or accuracies.max() > 1:
        raise InputError(
            f"table {settings.path.name}: wanted accuracies of 0 to 1 after unit = {settings.unit!r}, got "
            f"{accuracies.min():g} to {accuracies.max():g}"
        )
    truths = (
        frame[settings.truth].to_numpy(dtype=np.float64) * UNITS[settings.unit]
        if settings.truth
        else accuracies.mean(axis=1)
    )
    costs = {name: _column(frame, column, scale) for name, (column, scale) in settings.costs.items()}
    surrogate = None
    if settings.lookup == "surrogate":
        surrogate = fit(space, np.array(rows), accuracies.mean(axis=1), costs)
    return TableEvaluator(
        settings,
        space,
        rows,
        accuracies,
        truths,
        costs,
        tuple(frame[settings.key].astype(str)) if settings.key else None,
        _checksum(settings.path),
        surrogate,
        index,
    )


def _read(settings: TableSettings) -> pd.DataFrame:
    """The used columns; checked for missing columns and values."""
    import pandas as pd

    path = settings.path
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".json": pd.read_json,
    }
    if path.suffix not in readers:
        raise InputError.of("table.path", "a .parquet, .csv or .json file", str(path))
    try:
        frame = readers[path.suffix](path)
    except OSError as error:
        raise InputError.of(
            "table.path", "a file that can be read", f"{path} ({error.strerror or error})"
        ) from None
    except ValueError as error:
        raise InputError.of("table.path", f"a {path.suffix} file", f"{path} ({error})") from None
    for column in settings.columns:
        if column not in frame.columns:
            raise UnknownNameError(f"table {path.name}: column", column, map(str, frame.columns))
    if frame.empty:
        raise InputError.of("table.path", "a table with rows", str(path))
    frame = frame[list(settings.columns)]
    missing = frame.isna()
    if missing.to_numpy().any():
        row, column = np.argwhere(missing.to_numpy())[0]
        raise InputError(
            f"table {path.name}: wanted a value in column {frame.columns[column]!r} of row {row}, got none"
        )
    numeric = (*settings.accuracy, settings.truth, *(c for c, _ in settings.costs.values()))
    for column in filter(None, numeric):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise InputError.of(f"table {path.name}: column {column!r}", "numbers", str(frame[column].dtype))
    return frame


def _options(column: pd.Series[Any]) -> list[Option]:
    """The column's values as plain Python values."""
    return [value if isinstance(value, (str, bool, int, float)) else str(value) for value in column.tolist()]


def _space(settings: TableSettings, raw: Mapping[str, list[Option]]) -> tuple[SearchSpace, tuple[str, ...]]:
    """The space, and the column of each of its decisions.

    A named space takes the columns by its decisions' names if these are the same, otherwise in their order.
    Without a name the space is made of the values that the columns hold.
    """
    if settings.space is None:
        decisions = tuple(
            Decision(column, tuple(sorted(set(values), key=lambda v: (isinstance(v, str), v))))
            for column, values in raw.items()
        )
        return SearchSpace(settings.path.stem, decisions), settings.decisions
    space = space_of(settings.space)
    names = tuple(d.name for d in space.decisions)
    if any(d.parent is not None for d in space.decisions) or len(names) != len(settings.decisions):
        raise InputError(
            f"table {settings.path.name}: space {space.name} has {len(names)} decisions "
            f"({', '.join(names[:8])}{' …' if len(names) > 8 else ''}), the table names {len(settings.decisions)}"
        )
    return space, names if set(names) == set(settings.decisions) else settings.decisions


def _position(decision: Decision, value: Option, column: str) -> int:
    for index, option in enumerate(decision.options):
        if option == value:
            return index
    wanted = ", ".join(map(repr, decision.options))
    raise InputError(f"table column {column!r}: {value!r} is no option of {decision.name} ({wanted})")


def _column(frame: pd.DataFrame, column: str, scale: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return frame[column].to_numpy(dtype=np.float64) * scale


def _checksum(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=10).hexdigest()
