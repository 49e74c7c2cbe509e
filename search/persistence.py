"""Where trials are kept: in memory, or in an Optuna storage with two transactions for each trial.

Optuna's own storage writes every parameter and attribute of a trial in a transaction of its own. Here the
driver, the only writer, puts a trial's row with all its parameters in one transaction when it starts and
its result in one when it ends. The tables are Optuna's own (it creates and migrates them), so the study
opens in Optuna and its dashboard at any moment. On SQLite the journal is a write-ahead log that is not
flushed at every commit: a killed process loses nothing, a power cut at most the last transactions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from results.database import redacted, storage_url
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

MEMORY = "memory"
FINISHED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True, slots=True)
class Row:
    """One trial as it is stored. ``state`` is the name of an Optuna state; times are aware, in UTC."""

    number: int
    decisions: Decisions
    key: str
    architecture: str | None
    costs: Mapping[str, float]
    state: str = "RUNNING"
    values: tuple[float, ...] | None = None
    curve: tuple[tuple[int, float], ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    started: datetime | None = None
    completed: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether a result was stored."""
        return self.state in FINISHED

    def attributes(self) -> dict[str, Any]:
        """The trial's user attributes."""
        known: dict[str, Any] = {"key": self.key, "costs": dict(self.costs)}
        if self.architecture is not None:
            known["architecture"] = self.architecture
        if self.result:
            known["result"] = dict(self.result)
        return known


class Ledger(Protocol):
    """Keeps the trials of one study. One driver writes; nobody else."""

    def rows(self) -> list[Row]:
        """All stored trials, in order of number."""

    def start(self, row: Row) -> None:
        """Stores a new trial that runs now."""

    def restart(self, row: Row) -> None:
        """Marks an unfinished trial as running again."""

    def finish(self, row: Row) -> None:
        """Stores the result of a running trial."""

    def release(self, rows: Sequence[Row]) -> None:
        """Marks running trials as waiting: stopped on purpose, to be run when the search goes on."""

    def close(self) -> None:
        """Lets go of the storage."""


class MemoryLedger:
    """Keeps trials in a list; nothing outlives the process."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """All trials so far."""
        return list(self._rows)

    def start(self, row: Row) -> None:
        """Appends."""
        self._rows.append(row)

    def restart(self, row: Row) -> None:
        """Replaces."""
        self._rows[row.number] = row

    def finish(self, row: Row) -> None:
        """Replaces."""
        self._rows[row.number] = row

    def release(self, rows: Sequence[Row]) -> None:
        """Replaces each."""
        for row in rows:
            self._rows[row.number] = replace(row, state="WAITING")

    def close(self) -> None:
        """Nothing to let go of."""


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def storage_of(url: str) -> Any:
    """Optuna's storage at ``url``, created where there is none. Raises InputError where it cannot be used.

    ``url`` may be a path of a SQLite file, too.
    """
    import optuna
    import sqlalchemy

    url = storage_url(url)
    try:
        storage = optuna.storages.RDBStorage(url)
        if storage.engine.name == "sqlite":
            _use_write_ahead_log(storage.engine)
        with storage.engine.begin() as connection:
            # Optuna opens a read-only file without complaint.
            connection.execute(sqlalchemy.text("UPDATE version_info SET schema_version = schema_version"))
    except ImportError as error:
        raise InputError.of(
            "storage", "a database whose driver is installed", f"{redacted(url)} ({error})"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise InputError.of(
            "storage", "a database that can be written", f"{redacted(url)} ({reason})"
        ) from None
    return storage


def _use_write_ahead_log(engine: Any) -> None:
    from sqlalchemy import event

    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.close()

    event.listen(engine, "connect", prepare)
    engine.dispose()


class StoredLedger:
    """Keeps trials in an Optuna storage (SQLite, PostgreSQL, MySQL by URL)."""

    def __init__(self, storage: Any, study_id: int, space: SearchSpace) -> None:
        from optuna.distributions import CategoricalDistribution, distribution_to_json
        from optuna.storages._rdb import models

        self._storage, self._study_id, self._space, self._models = storage, study_id, space, models
        self._engine = storage.engine
        self._distributions = {
            d.name: distribution_to_json(CategoricalDistribution(d.options)) for d in space.decisions
        }
        self._ids: dict[int, int] = {}
        self._prepare(models)

    def _prepare(self, models: Any) -> None:
        """Statements are built once: building them anew would cost more than running them."""
        from sqlalchemy import bindparam

        trials, curves = models.TrialModel.__table__, models.TrialIntermediateValueModel.__table__
        this = trials.c.trial_id == bindparam("this_trial")
        self._insert_trial = trials.insert()
        self._insert_params = models.TrialParamModel.__table__.insert()
        self._insert_attributes = models.TrialUserAttributeModel.__table__.insert()
        self._insert_values = models.TrialValueModel.__table__.insert()
        self._insert_curve = curves.insert()
        self._delete_curve = curves.delete().where(curves.c.trial_id == bindparam("this_trial"))
        self._set_state = trials.update().where(this).values(state=bindparam("new_state"))
        self._set_started = (
            trials.update()
            .where(this)
            .values(state=bindparam("new_state"), datetime_start=bindparam("moment"))
        )
        self._set_completed = (
            trials.update()
            .where(this)
            .values(state=bindparam("new_state"), datetime_complete=bindparam("moment"))
        )

    def rows(self) -> list[Row]:
        """All stored trials; remembers their database ids."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        self._ids = {t.number: t._trial_id for t in trials}
        return [
            Row(
                number=t.number,
                decisions={d.name: t.params[d.name] for d in self._space.decisions if d.name in t.params},
                key=t.user_attrs.get("key", ""),
                architecture=t.user_attrs.get("architecture"),
                costs=t.user_attrs.get("costs", {}),
                state=t.state.name,
                values=tuple(t.values) if t.values is not None else None,
                curve=tuple(sorted(t.intermediate_values.items())),
                result=t.user_attrs.get("result", {}),
                started=_aware(t.datetime_start),
                completed=_aware(t.datetime_complete),
            )
            for t in trials
        ]

    def start(self, row: Row) -> None:
        """One transaction: the trial, its parameters, its attributes."""
        trial = {
            "number": row.number,
            "study_id": self._study_id,
            "state": row.state,
            "datetime_start": _naive(row.started),
        }
        with self._engine.begin() as connection:
            trial_id = connection.execute(self._insert_trial, trial).inserted_primary_key[0]
            if row.decisions:
                connection.execute(self._insert_params, self._params(trial_id, row))
            connection.execute(self._insert_attributes, _attributes(trial_id, row.attributes()))
        self._ids[row.number] = trial_id

    def restart(self, row: Row) -> None:
        """One transaction: running again, from now; what an earlier attempt left is removed."""
        this = {"this_trial": self._ids[row.number]}
        with self._engine.begin() as connection:
            connection.execute(
                self._set_started, this | {"new_state": "RUNNING", "moment": _naive(row.started)}
            )
            connection.execute(self._delete_curve, this)

    def finish(self, row: Row) -> None:
        """One transaction: state, values, curve, result."""
        m, trial_id = self._models, self._ids[row.number]
        done = {"this_trial": trial_id, "new_state": row.state, "moment": _naive(row.completed)}
        with self._engine.begin() as connection:
            connection.execute(self._set_completed, done)
            if row.values is not None:
                connection.execute(self._insert_values, _values(m, trial_id, row.values))
            if row.curve:
                connection.execute(self._insert_curve, _curve(m, trial_id, row.curve))
            connection.execute(self._insert_attributes, _attributes(trial_id, {"result": dict(row.result)}))

    def release(self, rows: Sequence[Row]) -> None:
        """One transaction for all of them."""
        if rows:
            waiting = [{"this_trial": self._ids[row.number], "new_state": "WAITING"} for row in rows]
            with self._engine.begin() as connection:
                connection.execute(self._set_state, waiting)

    def close(self) -> None:
        """Closes the connections, which folds SQLite's log into its file."""
        self._storage.remove_session()
        self._engine.dispose()

    def _params(self, trial_id: int, row: Row) -> list[dict[str, Any]]:
        return [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": float(self._space.by_name[name].index(value)),
                "distribution_json": self._distributions[name],
            }
            for name, value in row.decisions.items()
        ]


def _attributes(trial_id: int, attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in attributes.items()
    ]


def _values(models: Any, trial_id: int, values: Sequence[float]) -> list[dict[str, Any]]:
    stored = (models.TrialValueModel.value_to_stored_repr(value) for value in values)
    return [
        {"trial_id": trial_id, "objective": i, "value": value, "value_type": kind}
        for i, (value, kind) in enumerate(stored)
    ]


def _curve(models: Any, trial_id: int, curve: Sequence[tuple[int, float]]) -> list[dict[str, Any]]:
    model = models.TrialIntermediateValueModel
    stored = ((step, *model.intermediate_value_to_stored_repr(value)) for step, value in curve)
    return [
        {
            "trial_id": trial_id,
            "step": step,
            "intermediate_value": value,
            "intermediate_value_type": kind,
        }
        for step, value, kind in stored
    ]


def _naive(moment: datetime | None) -> datetime | None:
    """Naive UTC, as Optuna's tables hold times."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _aware(moment: datetime | None) -> datetime | None:
    """Optuna hands out naive local times."""
    return moment.astimezone(UTC) if moment else None


def decisions_of(rows: Sequence[Row]) -> list[Decisions]:
    """The decisions of each row, in order: what was searched, without what came of it."""
    return [row.decisions for row in rows]
