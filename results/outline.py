"""A study of which a few rows are wanted: of all other trials only that is read which decides a row's place among them.

A large study takes long to read, and most of that goes into decisions and curves. Who is on the front, and of which
rank a trial is, follows from a few figures of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import pandas as pd

from results import frame as tables
from results import studies
from results.attributes import PREFIX, REPEAT_OF, RESULT, STOCK, of_trial, stored_names
from results.columns import BY_NAME, COSTS, STATUSES, objective_column
from results.database import Query, reading
from results.front import default_axes, front_of, ranks_of
from results.networks import with_repeats
from results.stored_trials import objective_values, trials_of
from results.stored_values import are_of_kind, check_trials, named_damage
from results.studies import Storage, StoredObjective, StoredStudy, merit_of
from results.trial_result import MERITS, REPEATED, STATES, Status, TrialResult, ending
from results.verified import with_verified

_PARTS = (RESULT, "costs", "key", REPEAT_OF, STOCK)
"""The attributes of a trial that are read."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The trials of a study by the figures that decide about fronts and ranks, as columns of ``frame`` in order of number."""

    name: str
    storage: Storage
    study_id: int
    attributes: Mapping[str, Any]
    objectives: tuple[StoredObjective, ...]
    frame: pd.DataFrame

    @classmethod
    def of(cls, name: str, storage: Storage = None) -> Self | None:
        """The outline of a study; None for one that only reading all of it can tell about: whose space says nothing of its
        decisions, or which is damaged. Raises as ``results.studies.load`` does."""
        with reading(storage) as query, named_damage(name):
            return cls._of(query, name, storage)

    @classmethod
    def _of(cls, query: Query, name: str, storage: Storage) -> Self | None:
        study_id = studies._study_id(query, name, storage)
        attributes = studies._attributes(query, study_id, name)
        if not attributes.get("space", {}).get("decisions"):
            return None
        objectives = studies._stored_objectives(query, study_id, attributes)
        frame = _frame(query, study_id, objectives)
        if frame is None:
            return None
        frame.attrs = {
            "study": name,
            "objectives": [{"name": o.name, "direction": o.direction} for o in objectives],
        }
        return cls(name, storage, study_id, attributes, objectives, frame)

    @cached_property
    def numbers(self) -> list[int]:
        """Those of all trials, in order."""
        return [int(number) for number in self.frame["number"]]

    @cached_property
    def _ranks(self) -> pd.Series[Any]:
        return pd.Series(ranks_of(self.frame, default_axes(self.frame)), index=self.frame["number"])

    def front(self) -> pd.DataFrame:
        """The front, as ``results.frame.front`` gives it along the study's own axes."""
        order = front_of(self.frame)["number"].tolist()
        found = self.rows(order).set_index("number", drop=False).loc[order].reset_index(drop=True)
        found["rank"] = pd.Series(1, index=found.index, dtype="Int64")
        return found

    def rows(self, numbers: Sequence[int]) -> pd.DataFrame:
        """The trials of ``numbers`` in order of number, as ``results.frame.trials`` gives them; those that are not there are
        left out. Categories are those of the rows."""
        with reading(self.storage) as query, named_damage(self.name):
            found = self._rows(query, numbers)
            known = self.frame.loc[self.frame["number"].isin(found["number"]), ["number", "state"]]
            if found["state"].astype(str).tolist() == known["state"].astype(str).tolist():
                return found
            now = self._of(query, self.name, self.storage)  # some have ended since
            return found if now is None else now._rows(query, numbers)

    def _rows(self, query: Query, numbers: Sequence[int]) -> pd.DataFrame:
        trials = trials_of(query, self.study_id, True, False, numbers)
        check_trials(self.name, trials, len(self.objectives))
        if "repeats" in self.frame:
            known = self.frame.set_index("number")[list(REPEATED)]
            figures = known.loc[[t.number for t in trials if t.number in known.index]].astype(object)
            told: dict[Any, Any] = figures.where(figures.notna(), None).to_dict("index")
            trials = [t.replace(**told.get(t.number, {})) for t in trials]
        study = StoredStudy(
            self.name,
            str(self.storage),
            self.objectives,
            self.attributes,
            with_verified(trials, self.attributes),
        )
        frame = tables.table_of(study)
        frame["rank"] = self._ranks.reindex(frame["number"]).array
        return frame


def _frame(query: Query, study_id: int, objectives: Sequence[StoredObjective]) -> pd.DataFrame | None:
    """The columns of an outline; None where a value is not of its kind."""
    heads = query(
        "SELECT trial_id, number, state FROM trials WHERE study_id = :study ORDER BY number", study=study_id
    )
    known = _attributes(query, study_id)
    parts = {part: [known[part].get(head[0]) for head in heads] for part in _PARTS}
    columns = _columns(parts, objectives)
    if columns is None:
        return None
    columns["number"] = [head[1] for head in heads]
    states = [head[2] for head in heads]
    results = [one if isinstance(one, Mapping) else {} for one in parts[RESULT]]
    status = [ending(one, state)[0].value for one, state in zip(results, states, strict=True)]
    repeats = any(one is not None for one in columns[REPEAT_OF])
    stored: Mapping[int, Any] = {}
    if repeats or _lacks(columns, states, objectives):
        stored = objective_values(query, study=study_id)
    values = [stored.get(head[0]) for head in heads]
    if repeats:
        rows = [dict(zip(parts, one, strict=True)) for one in zip(*parts.values(), strict=True)]
        columns |= _repeated(rows, columns["number"], states, values, merit_of(objectives))
    extra = tables.objective_values(objectives, values, columns)
    series = {name: tables.series_of(BY_NAME[name], column) for name, column in columns.items()}
    words = {
        "state": pd.Series(pd.Categorical(states, categories=STATES)),
        "status": pd.Series(pd.Categorical(status, categories=STATUSES)),
    }
    return pd.DataFrame({**series, **extra, **words})


def _attributes(query: Query, study_id: int) -> dict[str, dict[int, Any]]:
    """Attribute → trial's id → value, as ``of_trial`` has it of one trial."""
    names = [name for part in _PARTS for name in stored_names(part)]
    wanted = {f"name{number}": name for number, name in enumerate(names)}
    rows = query(
        "SELECT v.trial_id, v.key, v.value_json FROM trial_user_attributes v JOIN trials t ON t.trial_id = v.trial_id"
        f" WHERE t.study_id = :study AND v.key IN ({', '.join(f':{name}' for name in wanted)})",
        study=study_id,
        **wanted,
    )
    found: dict[str, dict[int, Any]] = {name: {} for name in names}
    for (trial, name, _), value in zip(rows, json.loads(f"[{','.join([r[2] for r in rows])}]"), strict=True):
        found[name][trial] = value
    now = found[PREFIX + "key"]
    first = [
        trial
        for trial, key in found["key"].items()
        if trial not in now and of_trial({"key": key, "costs": found["costs"].get(trial)})
    ]
    return {
        part: {trial: value for trial, value in found[PREFIX + part].items() if trial in now}
        | {trial: found[part][trial] for trial in first if trial in found[part]}
        for part in _PARTS
    }


def _columns(
    parts: Mapping[str, list[Any]], objectives: Sequence[StoredObjective]
) -> dict[str, list[Any]] | None:
    """The columns that these attributes hold; None where a value is not of its kind."""
    wanted = [o.name for o in objectives if objective_column(o.name) in BY_NAME and o.name not in COSTS]
    figures = dict.fromkeys((*MERITS, "loss", "latency_seconds", "feasible", *wanted))
    costs = [{} if one is None else one for one in parts["costs"]]
    if not all(isinstance(one, dict) for one in costs):
        return None
    results = [one if isinstance(one, Mapping) else {} for one in parts[RESULT]]
    columns = {name: parts[name] for name in ("key", REPEAT_OF, STOCK)}
    columns |= {name: [one.get(name) for one in results] for name in figures}
    columns |= {name: [one.get(name) for one in costs] for name in COSTS}
    if not all(are_of_kind(column, BY_NAME[name].dtype) for name, column in columns.items()):
        return None
    return columns


def _lacks(
    columns: Mapping[str, list[Any]], states: Sequence[str], objectives: Sequence[StoredObjective]
) -> bool:
    """Whether the columns of the objectives are to be filled from what Optuna was told."""
    names = [objective_column(one.name) for one in objectives]
    return any(
        name not in columns
        or any(
            one is None and state == Status.OK.state for one, state in zip(columns[name], states, strict=True)
        )
        for name in names
    )


def _repeated(
    rows: Sequence[Mapping[str, Any]],
    numbers: Sequence[int],
    states: Sequence[str],
    values: Sequence[tuple[float, ...] | None],
    merit: str,
) -> dict[str, list[Any]]:
    """The columns that tell of all measurements of each trial's network."""
    light: dict[str, Any] = {"decisions": {}, "curve": (), "started": None, "finished": None}
    trials = [
        TrialResult.of_stored(
            number, state, {k: v for k, v in row.items() if v is not None}, values=told, **light
        )
        for number, state, row, told in zip(numbers, states, rows, values, strict=True)
    ]
    found = with_repeats(trials, merit)
    return {name: [getattr(trial, name) for trial in found] for name in REPEATED}
