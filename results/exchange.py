"""Frames read back from the files that the commands write, with the dtypes of the column contract.

A Parquet file holds everything (``pandas.read_parquet`` alone gives the same frame, units and objectives in
``attrs`` included). CSV and JSON hold the values: dtypes come from the contract, a decision's from its values, and
its options are those that occur.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from results.columns import BY_NAME, COLUMNS, DECISION, OBJECTIVE, STATUSES
from results.spreadsheet import of_text
from results.trial_result import STATES
from space.errors import InputError

_READERS = {".parquet": "parquet", ".csv": "csv", ".json": "json"}


def read(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The frame in a .parquet, .csv or .json file that ``nascale trials`` or ``nascale front`` wrote.

    Raises InputError for a file that cannot be read as one.
    """
    source = Path(path)
    form = _READERS.get(source.suffix.lower())
    if form is None:
        raise InputError.of("path", f"a file that ends in {', '.join(_READERS)}", str(path))
    try:
        if form == "parquet":
            return pd.read_parquet(source)
        raw = _csv(source) if form == "csv" else _json(source)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError.of("path", f"a table of trials ({reason})", str(path)) from None
    return restored(raw)


def _csv(source: Path) -> pd.DataFrame:
    text = {c.name: "str" for c in COLUMNS if c.dtype in ("str", "category")}
    head = pd.read_csv(source, nrows=0).columns
    frame = pd.read_csv(
        source, dtype={k: v for k, v in text.items() if k in head}, dtype_backend="numpy_nullable"
    )
    for name, kind in frame.dtypes.items():
        if kind.kind not in "iufbM":
            frame[name] = frame[name].map(of_text, na_action="ignore")
    return frame.rename(columns=of_text)


def _json(source: Path) -> pd.DataFrame:
    rows = json.loads(source.read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise ValueError("it is not a list of rows")
    names = list(rows[0]) if rows else [c.name for c in COLUMNS]
    # One object array per column, so that whole numbers beside nulls stay whole.
    return pd.DataFrame({n: pd.Series([row[n] for row in rows], dtype="object") for n in names})


def restored(raw: pd.DataFrame) -> pd.DataFrame:
    """``raw`` with the dtypes of the contract and its units in ``attrs``."""
    columns = {str(name): _restored(str(name), raw[name]) for name in raw.columns}
    frame = pd.DataFrame(columns, copy=False)
    frame.attrs = {"units": {c.name: c.unit for c in COLUMNS if c.unit and c.name in columns}}
    return frame


def _restored(name: str, values: pd.Series) -> Any:
    column = BY_NAME.get(name)
    if column is None:
        if name.startswith(OBJECTIVE):
            return values.astype("float64")
        return _decision(values) if name.startswith(DECISION) else values
    if name in ("state", "status"):
        return values.astype(pd.CategoricalDtype(list(STATES if name == "state" else STATUSES)))
    if column.dtype == "category":
        present = values.dropna().astype("str")
        return values.astype("str").astype(pd.CategoricalDtype(list(dict.fromkeys(present))))
    if column.dtype.startswith("datetime"):
        return pd.to_datetime(values, utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    if column.dtype == "float64":
        return pd.Series(values.to_numpy(dtype="float64", na_value=np.nan), index=values.index)
    return pd.Series(values, dtype=column.dtype)


def _decision(values: pd.Series) -> Any:
    """Truth values, whole numbers, numbers, or words, by what the column holds."""
    inferred = pd.api.types.infer_dtype(values, skipna=True)
    if inferred == "boolean":
        return values.astype("boolean")
    if inferred == "integer":
        return values.astype("Int64")
    if inferred in ("floating", "mixed-integer-float"):
        return values.astype("float64")
    words = values.dropna().astype("str")
    return values.astype("str").where(values.notna()).astype(pd.CategoricalDtype(list(dict.fromkeys(words))))
