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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import pandas as pd

from results import pareto
from results.studies import Storage, StoredObjective, StoredStudy, load, of_optuna
from results.trial_result import STATES, Status, TrialResult
from space.cost import SEARCHED_COSTS
from space.errors import InputError, UnknownNameError
from space.measure import Measure, measures

COSTS = tuple(cost.name for cost in SEARCHED_COSTS)
_STATE = Measure(
    "state", "category", None, None, f"Optuna's state: {', '.join(STATES[:-1])} or {STATES[-1]}", "State"
)
_RANK = Measure(
    "rank",
    "Int64",
    None,
    None,
    "non-dominated rank, 1 on the front; NA for a row that takes no part",
    "Non-dominated rank",
)


def _columns() -> Iterator[Measure]:
    """The declared figures of a trial in order, with Optuna's state, the costs and the rank in their places."""
    for figure in measures(TrialResult):
        if figure.name == "status":
            yield _STATE
        elif figure.name == "latency_seconds":
            yield from SEARCHED_COSTS
        elif figure.name == "measured_by":
            yield _RANK
        yield figure


COLUMNS: tuple[Measure, ...] = tuple(_columns())
BY_NAME: Mapping[str, Measure] = {column.name: column for column in COLUMNS}
DECISION, OBJECTIVE = "decision_", "objective_"
STATUSES = tuple(status.value for status in Status)
_LISTED = 64
# Columns whose values are a trial's fields, unchanged.
_PLAIN = tuple(
    m.name
    for m in measures(TrialResult)
    if m.name not in ("status", "epochs", "worker", "fidelity", "started", "finished")
)


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
    that a cache hit repeats appears once. Raises UnknownNameError for an unknown column, naming those there
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
    done = (frame["state"] == Status.OK.state) & frame["status"].isin((Status.OK, Status.REUSED))
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
    measured_first = frame.assign(_reused=frame["status"] == Status.REUSED).sort_values(["_reused", "number"])
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
    values: dict[str, Any] = {name: list(map(attrgetter(name), rows)) for name in _PLAIN}
    values |= {
        "state": pd.Categorical([t.status.state for t in rows], categories=STATES),
        "status": pd.Categorical([t.status.value for t in rows], categories=STATUSES),
        "epochs": [t.epochs if t.epochs is not None else (len(t.curve) or None) for t in rows],
        "worker": _words([t.worker for t in rows]),
        "fidelity": _words(_fidelities([t.fidelity for t in rows])),
        "started": _times([t.started for t in rows]),
        "finished": _times([t.finished for t in rows]),
    }
    for name in COSTS:
        values[name] = [t.costs.get(name) for t in rows]
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
    objectives: Sequence[StoredObjective], rows: Sequence[TrialResult], values: dict[str, Any]
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


def _series(column: Measure, values: Any) -> Any:
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
        column = pd.Categorical.from_codes(codes, categories=options)  # type: ignore[call-overload]
    else:
        column = np.where(absent, np.nan, np.array(options, dtype=np.float64)[codes])
    return pd.Series(column), options
