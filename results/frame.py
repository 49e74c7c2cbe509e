"""A study as a table: the one column contract that every command, file and picture shares.

``COLUMNS`` says each column's dtype, unit, better direction and meaning; ``docs/results.md`` prints it. To
them come, in the manner of Optuna's own frame, one ``objective_*`` column for each objective that is not
already a column, and one ``decision_*`` column per decision, empty where the decision was not active.

Missing values: counts are ``Int64``, truth values ``boolean``, both with NA; measured numbers are ``float64``
with NaN; times are UTC; repeated text is categorical. Decisions among words are categorical with all their
options, decisions among numbers stay numbers, so that both survive CSV and Parquet. ``frame.attrs`` holds
the study's name, its objectives, the units and the options, and travels inside a Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import methodcaller
from typing import Any

import numpy as np
import pandas as pd

from results import pareto
from results.studies import STATUS_OF_STATE, Objective, Storage, StoredStudy, Trial, load, of_optuna
from space.errors import InputError, UnknownNameError


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract. ``better`` is the direction in which it is a merit, None where it is none."""

    name: str
    dtype: str
    unit: str | None
    better: str | None
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("number", "int64", None, None, "the trial's number, from 0"),
    Column("state", "category", None, None, "Optuna's state: COMPLETE, PRUNED, FAIL, RUNNING or WAITING"),
    Column(
        "status", "category", None, None,
        "ok, reused (answered from an earlier trial), pruned, infeasible (too slow, not trained), failed, oom, stale, running or waiting",
    ),
    Column("key", "str", None, None, "names the network: equal keys are the same function"),
    Column("accuracy", "float64", "fraction", "maximize", "validation accuracy after the last epoch, 0 to 1"),
    Column("loss", "float64", "nats", "minimize", "validation loss after the last epoch"),
    Column("params", "Int64", "parameters", "minimize", "trained numbers of the network"),
    Column("macs", "Int64", "multiply-accumulates per image", "minimize", "of convolutions and linear layers"),
    Column("flops", "Int64", "floating-point operations per image", "minimize", "every operation, 2 per MAC"),
    Column("activation_bytes", "Int64", "bytes", "minimize", "peak of live tensors at inference, batch 1"),
    Column("training_bytes", "Int64", "bytes", "minimize", "peak memory of a training step"),
    Column("latency_seconds", "float64", "seconds", "minimize", "median time of one inference, where measured"),
    Column("epochs", "Int64", "epochs", None, "epochs trained, those of a pruned trial included"),
    Column("seconds", "float64", "seconds", "minimize", "time spent on the trial's evaluation"),
    Column("worker", "category", None, None, "the worker that evaluated it"),
    Column("fidelity", "category", None, None, "how thoroughly it was measured: epochs=3,resolution=16"),
    Column("feasible", "boolean", None, None, "whether it keeps every budget; NA where none was set"),
    Column("rank", "Int64", None, None, "non-dominated rank, 1 on the front; NA for a row that takes no part"),
    Column("measured_by", "Int64", None, None, "the trial whose measurement a reused row repeats"),
    Column("truth", "float64", "fraction", "maximize", "accuracy after full training, where a table knows it"),
    Column("error", "str", None, None, "why it failed"),
    Column("started", "datetime64[us, UTC]", "UTC", None, "when it was asked for"),
    Column("finished", "datetime64[us, UTC]", "UTC", None, "when its result was stored"),
)  # fmt: skip
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
DECISION, OBJECTIVE = "decision_", "objective_"
STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
STATUSES = ("ok", "reused", "pruned", "infeasible", "failed", "oom", "stale", "running", "waiting")
COSTS = ("params", "macs", "flops", "activation_bytes", "training_bytes")
_LISTED = 64
# Fields of a trial's ``result`` that become columns unchanged.
_RESULTS = ("accuracy", "loss", "latency_seconds", "seconds", "feasible", "measured_by", "truth", "error")


def trials(study: Any, storage: Storage = None) -> pd.DataFrame:
    """All trials of a study as a frame with the columns above, in order of number.

    ``study`` is a name in ``storage``, an open Optuna study, or a ``StoredStudy``. Raises UnknownNameError
    and InputError as ``results.studies.load`` does.
    """
    stored = stored_study(study, storage)
    frame = _table(stored)
    frame["rank"] = _ranks(frame, default_axes(frame))
    return frame


def front(study: Any, storage: Storage = None, *, x: str | None = None, y: str | None = None) -> pd.DataFrame:
    """The Pareto front of a study as a frame with the columns above, best accuracy (or best ``y``) first.

    The axes are the study's objectives, or accuracy and MACs where it has one; ``x`` and ``y`` choose two
    others. Only finished, feasible trials with a finite value on every axis take part, and a network that
    was answered from the store appears once. Raises UnknownNameError for an unknown column, naming those there
    are, and InputError for one that cannot be better or worse.
    """
    return front_of(trials(study, storage), x=x, y=y)


def front_of(frame: pd.DataFrame, *, x: str | None = None, y: str | None = None) -> pd.DataFrame:
    """The rows of a frame of trials that are on its front, best accuracy first; see ``front``."""
    axes = front_axes(frame, x, y)
    points, directions = points_of(frame, axes), [direction_of(frame, a) for a in axes]
    candidates = eligible(frame) & np.isfinite(points).all(axis=1)
    member = np.zeros(len(frame), dtype=bool)
    member[candidates] = pareto.front(points[candidates], directions)
    chosen = frame.loc[member].copy()
    chosen["rank"] = pd.Series(1, index=chosen.index, dtype="Int64")
    return _best_first(_once(chosen, axes), axes if y else ["accuracy", *axes])


def stored_study(study: Any, storage: Storage = None) -> StoredStudy:
    """Whatever names a study, as a ``StoredStudy``."""
    if isinstance(study, StoredStudy):
        return study
    return load(study, storage) if isinstance(study, str) else of_optuna(study)


def eligible(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of the rows that may enter a front: finished well, and not known to break a budget."""
    done = (frame["state"] == "COMPLETE") & frame["status"].isin(("ok", "reused"))
    return np.asarray(done & frame["feasible"].fillna(True), dtype=bool)


def default_axes(frame: pd.DataFrame) -> list[str]:
    """The columns of the study's objectives; for a single one, accuracy and the cost that is known."""
    axes = list(objectives_of(frame))
    if len(axes) > 1:
        return axes
    if not frame["accuracy"].notna().any() and axes:
        return axes
    known = [cost for cost in ("macs", "params", "flops", "latency_seconds") if frame[cost].notna().any()]
    return ["accuracy", *(known[:1] or ["macs"])]


def front_axes(frame: pd.DataFrame, x: str | None, y: str | None) -> list[str]:
    """The columns that span a front, y first, with ``x`` and ``y`` in place of the default ones."""
    axes = default_axes(frame)
    if x is None and y is None:
        return axes
    vertical = column_name(frame, y, "--y") if y else axes[0]
    horizontal = column_name(frame, x, "--x") if x else next((a for a in axes[1:] if a != vertical), "macs")
    for name, option in ((horizontal, "--x"), (vertical, "--y")):
        if direction_of(frame, name) == "":
            known = ", ".join(c for c in frame.columns if direction_of(frame, c))
            raise InputError.of(option, f"a column that can be better or worse ({known})", name)
    return [vertical] if horizontal == vertical else [vertical, horizontal]


def column_name(frame: pd.DataFrame, name: str, argument: str) -> str:
    """The column that ``name`` means: itself, or with its ``objective_`` or ``decision_`` left out.

    Raises UnknownNameError listing the columns.
    """
    for candidate in (name, OBJECTIVE + name, DECISION + name):
        if candidate in frame.columns:
            return candidate
    raise UnknownColumnError(argument, name, frame.columns)


class UnknownColumnError(UnknownNameError):
    """A column that is not there; the message lists those that are."""

    def __init__(self, argument: str, name: object, known: Iterable[str]) -> None:
        columns = list(known)
        super().__init__(argument, name, columns)
        near = f"nearest: {', '.join(self.nearest)}; " if self.nearest else ""
        fixed = [c for c in columns if not c.startswith(DECISION)]
        decisions = len(columns) - len(fixed)
        tail = f" and {decisions} decision_* columns" if decisions else ""
        self.args = (f"{argument}: no such column {str(name)!r} ({near}columns: {', '.join(fixed)}{tail})",)


def objectives_of(frame: pd.DataFrame) -> dict[str, str]:
    """Column → direction of the study's objectives, in order."""
    return {_objective_column(o["name"]): o["direction"] for o in frame.attrs.get("objectives", [])}


def direction_of(frame: pd.DataFrame, column: str) -> str:
    """``"minimize"`` or ``"maximize"``: the study's own word for an objective, else the contract's; else empty."""
    own = objectives_of(frame).get(column)
    known = BY_NAME.get(column)
    return own or (known.better if known else None) or ""


def points_of(frame: pd.DataFrame, axes: Sequence[str]) -> pareto.Points:
    """The values of the columns ``axes``, one row per trial, NaN where missing."""
    if not axes:
        return np.empty((len(frame), 0))
    return np.column_stack([frame[a].to_numpy(dtype="float64", na_value=np.nan) for a in axes])


def _once(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Without the repeats of a network at the same point; the row that was measured stays."""
    measured_first = frame.assign(_reused=frame["status"] == "reused").sort_values(["_reused", "number"])
    repeated = measured_first["key"].notna() & measured_first.duplicated(["key", *axes])
    return measured_first.loc[~repeated, frame.columns]


def _best_first(frame: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    by = [a for a in dict.fromkeys(axes) if frame[a].notna().any()]
    ascending = [direction_of(frame, a) != "maximize" for a in by]
    ordered = frame.sort_values([*by, "number"], ascending=[*ascending, True], kind="stable")
    return ordered.reset_index(drop=True)


def _ranks(frame: pd.DataFrame, axes: Sequence[str]) -> Any:
    points = points_of(frame, axes)
    candidates = eligible(frame) & np.isfinite(points).all(axis=1)
    points[~candidates] = np.nan
    ranks = pareto.ranks(points, [direction_of(frame, a) for a in axes])
    return pd.arrays.IntegerArray(ranks, ranks == 0)


def _objective_column(name: str) -> str:
    return name if name in BY_NAME and BY_NAME[name].better else OBJECTIVE + name


def _table(study: StoredStudy) -> pd.DataFrame:
    rows = study.trials
    results = [t.attributes.get("result") or {} for t in rows]
    values: dict[str, Any] = {
        "number": [t.number for t in rows],
        "state": pd.Categorical([t.state for t in rows], categories=STATES),
        "status": pd.Categorical(
            [r.get("status") or STATUS_OF_STATE[t.state] for t, r in zip(rows, results, strict=True)],
            categories=STATUSES,
        ),
        "key": [t.attributes.get("key") for t in rows],
        "epochs": [
            r.get("epochs") if r.get("epochs") is not None else (len(t.accuracies) or None)
            for t, r in zip(rows, results, strict=True)
        ],
        "worker": _words([r.get("worker") for r in results]),
        "fidelity": _words(_fidelities([r.get("fidelity") for r in results])),
        "started": _times([t.started for t in rows]),
        "finished": _times([t.finished for t in rows]),
    }
    for name in _RESULTS:
        values[name] = [r.get(name) for r in results]
    costs = [t.attributes.get("costs") or {} for t in rows]
    for name in COSTS:
        values[name] = [c.get(name) for c in costs]
    extra = _objective_values(study.objectives, rows, values)
    series = {c.name: _series(c, values[c.name]) if c.name in values else None for c in COLUMNS}
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


def _objective_values(
    objectives: Sequence[Objective], rows: Sequence[Trial], values: dict[str, Any]
) -> dict[str, Any]:
    """Fills a contract column that is an objective where the result lacks it; returns the other objectives."""
    extra: dict[str, Any] = {}
    for index, objective in enumerate(objectives):
        told = [t.values[index] if t.values is not None else None for t in rows]
        name = _objective_column(objective.name)
        if name in BY_NAME:
            values[name] = [t if v is None else v for v, t in zip(values[name], told, strict=True)]
        else:
            extra[name] = pd.Series(np.array(told, dtype="float64"))
    return extra


def _series(column: Column, values: Any) -> Any:
    if column.dtype in ("category",) or column.name in ("started", "finished"):
        return pd.Series(values)
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
    """Optuna's naive local times as UTC."""
    local = np.array(values, dtype="datetime64[us]")
    # One look at the clock's rules per hour that occurs: offsets change on the hour.
    hours, place = np.unique(local.astype("datetime64[h]"), return_inverse=True)
    offsets = np.array([_offset(hour) for hour in hours.tolist()], dtype="timedelta64[us]")
    return pd.Series(local - offsets[place] if len(hours) else local).dt.tz_localize("UTC")


def _offset(hour: datetime | None) -> timedelta:
    """How far local time is ahead of UTC in that hour."""
    return (hour.astimezone().utcoffset() if hour else None) or timedelta(0)


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
        column = pd.Categorical.from_codes(codes, categories=options)  # type: ignore[call-overload]
    else:
        column = np.where(absent, np.nan, np.array(options, dtype=np.float64)[codes])
    return pd.Series(column), options
