"""The columns of a file of results that a table uses: read, filtered to the rows that count, and checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluators.table_settings import TableSettings
from space.errors import InputError, UnknownNameError
from space.search_space import Option

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ["", "NA", "N/A", "<NA>", "#N/A", "nan", "NaN", "-nan", "null", "NULL", "None"]
"""What stands for a missing number in a CSV. A decision is missing only where its cell is empty: None is an option."""


def read_columns(settings: TableSettings) -> pd.DataFrame:
    """The used columns of the rows that ``settings.where`` keeps, numbered from 0.

    Raises InputError or UnknownNameError for a file that cannot be read, a column that is not there or holds words
    for numbers, and a missing number other than one of several accuracies.
    """
    import pandas as pd

    path = settings.path
    words = (*settings.decisions, *settings.where, *([settings.key] if settings.key else []))
    missing = dict.fromkeys(settings.numbers, _MISSING) | {c: [""] for c in words}

    def read_csv(path: Path) -> pd.DataFrame:
        # The mixed types of a column of numbers and None are told apart below, not chunk by chunk.
        return pd.read_csv(path, keep_default_na=False, na_values=missing, low_memory=False)

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": read_csv,
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
    for column, value in settings.where.items():
        frame = frame[[found == value for found in options(frame[column])]]
    if frame.empty:
        kept = " where " + ", ".join(f"{c} = {v!r}" for c, v in settings.where.items())
        raise InputError.of("table.path", f"a table with rows{kept if settings.where else ''}", str(path))
    _check_numbers(settings, frame)
    return frame.reset_index(drop=True)


def options(column: pd.Series[Any]) -> list[Option | None]:
    """The column's values as plain Python values; None where a cell is empty.

    Numbers of which some cells are empty or None come out of a file as floats or as text; they are whole numbers again.
    """
    values = [None if _is_missing(value) else value for value in column.tolist()]
    present = [value for value in values if value is not None]
    if all(isinstance(value, float) and value.is_integer() for value in present) and None in values:
        return [None if value is None else int(value) for value in values]
    if "None" in present:
        read = {value: _number(value) for value in set(map(str, present)) - {"None"}}
        if None not in read.values():  # a column of numbers in which None is an option
            return [value if value in (None, "None") else read[str(value)] for value in values]
    return [v if v is None or isinstance(v, (str, bool, int, float)) else str(v) for v in values]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(text: str) -> Option | None:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _check_numbers(settings: TableSettings, frame: pd.DataFrame) -> None:
    """Raises InputError for words, for a missing number, and for a row without any accuracy."""
    import pandas as pd

    name = settings.path.name
    for column in settings.numbers:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise InputError.of(f"table {name}: column {column!r}", "numbers", str(frame[column].dtype))
    accuracy = frame[list(settings.accuracy)].isna().to_numpy()
    required: Sequence[str] = [c for c in settings.numbers if c not in settings.accuracy]
    for column in required:
        empty = frame[column].isna().to_numpy()
        if empty.any():
            raise _missing(name, column, frame.index[int(np.argmax(empty))])
    if accuracy.all(axis=1).any():
        row = int(np.argmax(accuracy.all(axis=1)))
        raise _missing(name, settings.accuracy[-1], frame.index[row])


def _missing(name: str, column: str, row: Any) -> InputError:
    return InputError(f"table {name}: wanted a value in column {column!r} of row {row}, got none")
