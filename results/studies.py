"""Stored studies as values: what was asked, what each trial tried, and what came of it.

A study is whatever an Optuna storage holds under a name. ``load`` reads one with plain SQL, ``of_optuna``
takes one that is already in memory; both give the same ``StoredStudy``, and everything else in this
package starts from that. A study made by another tool reads too: its parameters become decisions and its values
objectives.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from results.attributes import ARCHITECTURE, REPEAT_OF, RESULT, STOCK, of_study
from results.database import Query, missing_log, reading, refusal, said, server_times
from results.driver import ATTRIBUTE, Driver
from results.networks import Networks, leader, with_repeats
from results.storage_url import braced, redacted, storage_url
from results.stored_trials import clock_of, names_of, trials_of
from results.stored_values import check_attributes, check_trials, named_damage
from results.trial_result import MERITS, Status, TrialResult, stored_architecture
from results.verified import with_verified
from space.architecture import Architecture
from space.codec import from_dict
from space.errors import InputError, RunError, UnknownNameError

if TYPE_CHECKING:
    import optuna

Storage = str | os.PathLike[str] | None


@dataclass(frozen=True, slots=True)
class StoredObjective:
    """What a search optimises: a name and ``"minimize"`` or ``"maximize"``."""

    name: str
    direction: str


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study read from a storage. ``attributes`` are ours: its spec, provenance and space."""

    name: str
    storage: str
    objectives: tuple[StoredObjective, ...]
    attributes: Mapping[str, Any]
    trials: tuple[TrialResult, ...]

    @property
    def spec(self) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], self.attributes.get("spec", {}))

    @property
    def merit(self) -> str:
        """The figure of a trial that the search maximised, alone or as part of its objectives."""
        return merit_of(self.objectives)

    @property
    def provenance(self) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], self.attributes.get("provenance", {}))

    @property
    def space(self) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], self.attributes.get("space", {}))

    def trial(self, number: int) -> TrialResult:
        """The trial of that number. Raises InputError naming the numbers there are."""
        if 0 <= number < len(self.trials) and self.trials[number].number == number:
            return self.trials[number]
        for trial in self.trials:
            if trial.number == number:
                return trial
        wanted = f"a number from 0 to {self.trials[-1].number}" if self.trials else "a study with trials"
        raise InputError.of("trial", f"{wanted} (study {self.name})", number)


def load(name: str, storage: Storage = None, *, architectures: bool = False) -> StoredStudy:
    """The study ``name``, read in one snapshot.

    The architectures' JSON, the bulk of a database, is only read if asked for. Raises UnknownNameError
    with the nearest names, or InputError for a storage that cannot be read.
    """
    with reading(storage) as query, named_damage(name):
        study_id = _study_id(query, name, storage)
        attributes = _attributes(query, study_id, name)
        objectives = _stored_objectives(query, study_id, attributes)
        trials = trials_of(query, study_id, bool(attributes), architectures)
        check_trials(name, trials, len(objectives))
        found = with_verified(with_repeats(trials, merit_of(objectives)), attributes)
        return StoredStudy(name, storage_url(storage), objectives, attributes, found)


def attributes_of(name: str, storage: Storage = None) -> Mapping[str, Any] | None:
    """The attributes of study ``name`` that are ours, without its trials; None where there is no such study or storage."""
    try:
        with reading(storage) as query, named_damage(name):
            return _attributes(query, _study_id(query, name, storage), name)
    except InputError:
        return None


def merit_of(objectives: Sequence[StoredObjective]) -> str:
    """The figure of a trial that these objectives are about: the first one that is a merit, else the accuracy."""
    return next((one.name for one in objectives if one.name in MERITS), MERITS[0])


def of_optuna(study: optuna.Study) -> StoredStudy:
    """An Optuna study that is already open, its storage in memory included."""
    attributes = of_study(study.user_attrs)
    metric_names = study.metric_names
    directions = [d.name.lower() for d in study.directions]
    objectives = _objectives(attributes, directions, metric_names)
    trials = with_repeats(
        list(map(TrialResult.of_optuna, study.get_trials(deepcopy=False))), merit_of(objectives)
    )
    return StoredStudy(study.study_name, "memory", objectives, attributes, with_verified(trials, attributes))


def summaries(storage: Storage = None) -> list[dict[str, Any]]:
    """One row per stored study, oldest first: what it searches, how far it is, and its best accuracy."""
    with reading(storage) as query:
        rows = query("SELECT study_id, study_name FROM studies ORDER BY study_id")
        return [_summary(query, study_id, str(name)) for study_id, name in rows]


def _summary(query: Query, study_id: int, name: str) -> dict[str, Any]:
    with named_damage(name):
        return _row(query, study_id, name)


def _row(query: Query, study_id: int, name: str) -> dict[str, Any]:
    attributes = _attributes(query, study_id, name)
    spec: Mapping[str, Any] = attributes.get("spec", {})
    states: dict[str, int] = dict(
        query("SELECT state, COUNT(*) FROM trials WHERE study_id = :study GROUP BY state", study=study_id)
    )
    results = _results(query, study_id) if attributes else []
    check_trials(name, results, 0)
    last = query("SELECT MAX(datetime_complete) FROM trials WHERE study_id = :study", study=study_id)[0][0]
    finished = clock_of(query, bool(attributes))(last)
    objectives = _stored_objectives(query, study_id, attributes)
    return {
        "study": name,
        "space": attributes.get("space", {}).get("name") or spec.get("space"),
        "sampler": spec.get("sampler"),
        "data": f"table {PurePath(spec['table']).name}" if spec.get("table") else spec.get("data"),
        "trials": sum(states.values()),
        "finished": sum(n for state, n in states.items() if Status.of_state(state).finished),
        "running": states.get(Status.RUNNING.state, 0),
        "wanted": spec.get("trials"),
        "reused": sum(r.status is Status.REUSED for r in results),
        "accuracy": _best_accuracy(results),
        "objectives": ", ".join(f"{o.name} {'↑' if o.direction == 'maximize' else '↓'}" for o in objectives),
        "last": finished and finished.astimezone().isoformat(" ", "minutes"),
    }


def _best_accuracy(results: Sequence[TrialResult]) -> float | None:
    """The mean accuracy of the network that leads; a cache hit may stand for a network whose trial is not there."""
    networks = Networks(trials=results)
    if networks.repeated:
        return networks.means[cast(int, leader(networks))]
    accuracies = [
        r.accuracy
        for r in results
        if r.accuracy is not None
        and r.stock is None
        and r.status.complete
        and r.feasible is not False
        and r.accuracy == r.accuracy
    ]
    return max(accuracies, default=None)


def _results(query: Query, study_id: int) -> list[TrialResult]:
    """What the trials of a study of ours measured, in order, without their decisions, values and times."""
    attributes = (
        "FROM trial_user_attributes v JOIN trials t ON t.trial_id = v.trial_id"
        " WHERE t.study_id = :study AND v.key IN (:now, :first) ORDER BY t.number"
    )

    def known(name: str) -> dict[int, Any]:
        rows = query(f"SELECT t.number, v.value_json {attributes}", study=study_id, **names_of(name))
        return {number: json.loads(text) for number, text in rows}

    repeat_of, stock = known(REPEAT_OF), known(STOCK)
    texts = query(f"SELECT t.number, t.state, v.value_json {attributes}", study=study_id, **names_of(RESULT))
    found = [TrialResult.of_json(json.loads(text), state, number) for number, state, text in texts]
    return [
        r.replace(repeat_of=repeat_of.get(r.number), stock=stock.get(r.number))
        if r.number in repeat_of or r.number in stock
        else r
        for r in found
    ]


def architecture(study: str, trial_number: int, storage: Storage = None) -> Architecture:
    """The network of one trial. Raises InputError if the study, the trial or its architecture is not there."""
    with reading(storage) as query, named_damage(study):
        study_id = _study_id(query, study, storage)
        rows = query(
            "SELECT t.trial_id, a.value_json FROM trials t LEFT JOIN trial_user_attributes a"
            " ON a.trial_id = t.trial_id AND a.key IN (:now, :first)"
            " WHERE t.study_id = :study AND t.number = :number",
            study=study_id,
            **names_of(ARCHITECTURE),
            number=trial_number,
        )
        if not rows:
            last = query("SELECT MAX(number) FROM trials WHERE study_id = :study", study=study_id)[0][0]
            wanted = "a study with trials" if last is None else f"a number from 0 to {last}"
            raise InputError.of("trial", f"{wanted} (study {study})", trial_number)
        text = rows[0][1]
        found = None if text is None else stored_architecture(json.loads(text))
    if found is None:
        wanted = f"a trial that holds an architecture (study {study} searches a table without networks)"
        raise InputError.of("trial", wanted, trial_number)
    return from_dict(found)


def driver(name: str, storage: Storage = None) -> str | None:
    """The process that is at work on the study, in words, as far as can be told from here; None where there is none."""
    with reading(storage) as query, named_damage(name):
        now, started = server_times(query, re.split(r"\W", storage_url(storage), maxsplit=1)[0])
        marks = query(
            "SELECT a.value_json FROM study_system_attributes a WHERE a.study_id = :study AND a.key = :key",
            study=_study_id(query, name, storage),
            key=ATTRIBUTE,
        )
        found = Driver.of_json(json.loads(marks[0][0])) if marks else None
    return None if found is None or found.is_gone(now, started) else found.told(now)


def delete(name: str, storage: Storage = None, *, force: bool = False) -> int:
    """Removes the study ``name`` and says how many trials went with it.

    Raises UnknownNameError with the nearest names, InputError for a storage that cannot be written, RunError for a
    study on which a search is at work, unless ``force``.
    """
    at_work = driver(name, storage)
    if at_work is not None and not force:
        raise RunError(
            f"study {name!r}: a search ({at_work}) is at work on it; stop it first, or delete with --force"
        )
    trials = len(load(name, storage).trials)
    import optuna
    import sqlalchemy

    url = storage_url(storage)
    kept = None
    try:
        kept = optuna.storages.RDBStorage(braced(url))
        optuna.delete_study(study_name=name, storage=kept)
    except KeyError:
        pass  # somebody else was faster
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        raise refusal(url, said(error)) from None
    finally:
        if kept is not None:
            kept.remove_session()
            kept.engine.dispose()
    return trials


def _study_id(query: Query, name: str, storage: Storage) -> int:
    rows = query("SELECT study_id FROM studies WHERE study_name = :name", name=name)
    if not rows:
        known = [str(row[0]) for row in query("SELECT study_name FROM studies")]
        error = UnknownNameError("study", name, known)
        error.args = (f"{error}{missing_log(storage_url(storage))}",)
        raise error
    return int(rows[0][0])


def _json_attributes(query: Query, study_id: int) -> dict[str, Any]:
    rows = query(
        "SELECT a.key, a.value_json FROM study_user_attributes a WHERE a.study_id = :study", study=study_id
    )
    return {str(key): json.loads(text) for key, text in rows}


def _attributes(query: Query, study_id: int, name: str) -> dict[str, Any]:
    """Our attributes of a study, checked."""
    attributes = of_study(_json_attributes(query, study_id))
    check_attributes(name, attributes)
    return attributes


def _stored_objectives(
    query: Query, study_id: int, attributes: Mapping[str, Any]
) -> tuple[StoredObjective, ...]:
    directions = query(
        "SELECT direction FROM study_directions WHERE study_id = :study ORDER BY objective", study=study_id
    )
    named = query(
        "SELECT a.value_json FROM study_system_attributes a"
        " WHERE a.study_id = :study AND a.key = 'study:metric_names'",
        study=study_id,
    )
    metric_names = json.loads(named[0][0]) if named else None
    return _objectives(attributes, [d.lower() for (d,) in directions], metric_names)


def _objectives(
    attributes: Mapping[str, Any], directions: Sequence[str], metric_names: Sequence[str] | None
) -> tuple[StoredObjective, ...]:
    """As the search named them; else Optuna's metric names; else ``value`` or ``value_0``, ``value_1`` …"""
    stored = attributes.get("objectives", ())
    if len(stored) == len(directions):
        return tuple(StoredObjective(o["name"], o["direction"]) for o in stored)
    if metric_names is None:
        metric_names = ["value"] if len(directions) == 1 else [f"value_{i}" for i in range(len(directions))]
    return tuple(StoredObjective(n, d) for n, d in zip(metric_names, directions, strict=True))


def described(storage: Storage = None) -> str:
    """The storage as it may be shown: its URL without a password."""
    return redacted(storage_url(storage))
