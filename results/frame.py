"""A study as a table with the columns of ``results.columns``.

To them come, in the manner of Optuna's own frame, one ``objective_*`` column for each objective that is not
already a column, and one ``decision_*`` column per decision, empty where the decision was not active.

Missing values: counts are ``Int64``, truth values ``boolean``, both with NA; measured numbers are ``float64``
with NaN; times are UTC; repeated text is categorical. Decisions among words are categorical with all their
options, decisions among numbers stay numbers, so that both survive CSV and Parquet. ``frame.attrs`` holds
the study's name, its objectives, the units and the options, and travels inside a Parquet file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import pandas as pd

from results.columns import BY_NAME, COLUMNS, COSTS, DECISION, STATUSES, objective_column
from results.front import default_axes, front_of, ranks_of
from results.studies import Storage, StoredObjective, StoredStudy, load, of_optuna
from results.trial_result import STATES, TrialResult
from space.measure import Measure, measures

_LISTED = 64
# Columns whose values are a trial's fields, unchanged.
_PLAIN = tuple(m.name for m in measures(TrialResult) if m.name not in ("status", "epochs", "fidelity"))


def trials(study: Any, storage: Storage = None) -> pd.DataFrame:
    """All trials of a study as a frame with the columns above, in order of number.

    ``study`` is a name in ``storage``, an open Optuna study, or a ``StoredStudy``. Raises UnknownNameError
    and InputError as ``results.studies.load`` does.
    """
    stored = stored_study(study, storage)
    frame = table_of(stored)
    frame["rank"] = ranks_of(frame, default_axes(frame))
    return frame


def front(study: Any, storage: Storage = None, *, x: str | None = None, y: str | None = None) -> pd.DataFrame:
    """The Pareto front of a study as a frame with the columns above, best accuracy (or best ``y``) first.

    The axes are the study's objectives, or accuracy and MACs where it has one; ``x`` and ``y`` choose two
    others. Only finished, feasible trials with a finite value on every axis take part, and a network
    that a cache hit repeats appears once. Raises UnknownNameError for an unknown column, naming those there
    are, and InputError for one that cannot be better or worse.
    """
    return front_of(trials(study, storage), x=x, y=y)


def stored_study(study: Any, storage: Storage = None) -> StoredStudy:
    """Whatever names a study, as a ``StoredStudy``."""
    if isinstance(study, StoredStudy):
        return study
    return load(study, storage) if isinstance(study, str) else of_optuna(study)


def table_of(study: StoredStudy) -> pd.DataFrame:
    """The columns of a study's trials, all but the rank."""
    rows = study.trials
    values: dict[str, Any] = {name: list(map(attrgetter(name), rows)) for name in _PLAIN}
    values |= {
        "state": pd.Categorical([t.status.state for t in rows], categories=STATES),
        "status": pd.Categorical([t.status.value for t in rows], categories=STATUSES),
        "epochs": [t.epochs if t.epochs is not None else (len(t.curve) or None) for t in rows],
        "fidelity": _fidelities([t.fidelity for t in rows]),
    }
    for name in COSTS:
        values[name] = [t.costs.get(name) for t in rows]
    extra = objective_values(study.objectives, [t.values for t in rows], values)
    series = {c.name: series_of(c, values[c.name]) if c.name in values else None for c in COLUMNS}
    series["rank"] = pd.Series(pd.array([pd.NA] * len(rows), dtype="Int64"))
    declared = dict(study.space.get("decisions", ()))
    decisions: dict[str, Any] = {}
    options: dict[str, list[Any]] = {}
    for name, (active, chosen) in _choices(study).items():
        column, known = _decision(len(rows), active, chosen, declared.get(name, ()))
        decisions[DECISION + name] = column
        # A study of another tool may hold continuous parameters, whose values are no list of options.
        if name in declared or len(known) <= _LISTED:
            options[name] = known
    frame = pd.DataFrame({**_in_order(series, extra), **decisions}, copy=False)
    frame.attrs = {
        "study": study.name,
        "objectives": [{"name": o.name, "direction": o.direction} for o in study.objectives],
        "units": {c.name: c.unit for c in COLUMNS if c.unit},
        "options": options,
    }
    return frame


def _in_order(series: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's columns with the further objectives after the loss."""
    ordered: dict[str, Any] = {}
    for name, column in series.items():
        ordered[name] = column
        if name == "loss":
            ordered.update(extra)
    return ordered


def objective_values(
    objectives: Sequence[StoredObjective],
    told: Sequence[tuple[float | None, ...] | None],
    columns: dict[str, Any],
) -> dict[str, Any]:
    """Fills a column of the contract that is an objective where the results lack it, from what each trial told; returns the
    other objectives."""
    extra: dict[str, Any] = {}
    for index, objective in enumerate(objectives):
        values = [one[index] if one is not None else None for one in told]
        name = objective_column(objective.name)
        if name in BY_NAME:
            if BY_NAME[name].dtype in (
                "int64",
                "Int64",
            ):  # another tool's objective of that name may be any float
                values = [None if t is None or not abs(t) < 2**63 else t for t in values]
            columns[name] = [t if v is None else v for v, t in zip(columns[name], values, strict=True)]
        else:
            extra[name] = pd.Series(np.array(values, dtype="float64"))
    return extra


def series_of(column: Measure, values: Any) -> Any:
    """The values of a column with its dtype."""
    if column.dtype == "category":
        return pd.Series(values if isinstance(values, pd.Categorical) else _words(values))
    if column.dtype.startswith("datetime"):
        return _times(values)
    if column.dtype == "float64":
        return pd.Series(np.array(values, dtype="float64"))
    if column.dtype == "Int64":
        return pd.Series(_integers(values))
    return pd.Series(values, dtype=column.dtype)


def _integers(values: Sequence[Any]) -> Any:
    """Whole numbers with NA for None and NaN, exact beyond 2^53."""
    measured = np.array(values, dtype="float64")
    missing = np.isnan(measured)
    if not (np.abs(measured[~missing]) >= 2.0**53).any():
        return pd.arrays.IntegerArray(np.where(missing, 0, measured).astype(np.int64), missing)
    filled = [0 if gone else int(v) for v, gone in zip(values, missing, strict=True)]
    return pd.arrays.IntegerArray(np.array(filled, dtype=np.int64), missing)


def _words(values: Sequence[Any]) -> Any:
    """Text as a categorical, in order of first appearance."""
    texts = [None if v is None else str(v) for v in values]
    return pd.Categorical(texts, categories=list(dict.fromkeys(t for t in texts if t is not None)))


def _fidelities(values: Sequence[Any]) -> list[str | None]:
    """``{"epochs": 3, "resolution": 16}`` as ``epochs=3,resolution=16``, written once per distinct fidelity."""
    written: dict[tuple[Any, ...], str] = {}
    texts: list[str | None] = []
    for value in values:
        if not value:
            texts.append(None)
        elif not isinstance(value, dict):
            texts.append(str(value))
        else:
            known = (*value, *map(str, value.values()))
            if known not in written:
                written[known] = ",".join(f"{name}={setting}" for name, setting in value.items())
            texts.append(written[known])
    return texts


def _times(values: Sequence[datetime | None]) -> Any:
    """Aware times as a column in UTC."""
    naive = [None if moment is None else moment.replace(tzinfo=None) for moment in values]
    return pd.Series(np.array(naive, dtype="datetime64[us]")).dt.tz_localize("UTC")


def _choices(study: StoredStudy) -> dict[str, tuple[Any, list[Any]]]:
    """Decision → (rows where it was active, what was chosen there).

    The trials' dicts are laid end to end and sorted by name, so that no Python statement runs per value.
    """
    chosen = [t.decisions for t in study.trials]
    declared = dict.fromkeys(name for name, _ in study.space.get("decisions", ()))
    names = list(chain.from_iterable(chosen))
    code = {name: i for i, name in enumerate(dict.fromkeys([*declared, *names]))}
    # Sixteen bits, which numpy sorts in linear time.
    small = np.int16 if len(code) < 2**15 else np.int64
    codes = np.fromiter(map(code.__getitem__, names), dtype=small, count=len(names))
    order = np.argsort(codes, kind="stable")
    rows = np.repeat(np.arange(len(chosen)), [len(c) for c in chosen])[order]
    values = np.empty(len(names), dtype=object)
    values[:] = list(chain.from_iterable(map(methodcaller("values"), chosen)))
    values = values[order]
    ends = np.cumsum(np.bincount(codes, minlength=len(code))).tolist()
    return {
        name: (rows[start:end], values[start:end].tolist())
        for name, start, end in zip(code, [0, *ends][: len(code)], ends, strict=True)
    }


def _decision(count: int, rows: Any, values: Sequence[Any], declared: Sequence[Any]) -> tuple[Any, list[Any]]:
    """One decision's column, and its options: those declared, then those that only trials show.

    Numbers stay numbers and truth values truth values; words, and mixtures, become categoricals.
    """
    kinds = {*map(type, declared), *map(type, values)}
    if kinds not in ({bool}, {int}, {float}, {int, float}, {str}):
        # Words tell True from 1 and None from nothing chosen.
        declared, values, kinds = list(map(str, declared)), list(map(str, values)), {str}
    options = list(dict.fromkeys([*declared, *dict.fromkeys(values)]))
    code = {option: index for index, option in enumerate(options)}
    codes = np.full(count, -1, dtype=np.int64)
    codes[rows] = np.fromiter(map(code.__getitem__, values), dtype=np.int64, count=len(values))
    absent = codes < 0
    column: Any
    if kinds == {bool}:
        column = pd.arrays.BooleanArray(np.array(options)[codes], absent)
    elif kinds == {int}:
        column = pd.arrays.IntegerArray(np.array(options, dtype=np.int64)[codes], absent)
    elif kinds == {str}:
        column = pd.Categorical.from_codes(codes, categories=pd.Index(options))
    else:
        column = np.where(absent, np.nan, np.array(options, dtype=np.float64)[codes])
    return pd.Series(column), options
