"""Where trials are kept: in memory, or in an Optuna storage with two transactions for each trial.

Optuna's own storage writes every parameter and attribute of a trial in a transaction of its own. Here the
driver, the only writer, puts a trial with all its parameters in one transaction when it starts and its result
in one when it ends. The tables are Optuna's own (it creates and migrates them), so the study opens in Optuna
and its dashboard at any moment. On SQLite the journal is a write-ahead log that is not flushed at every commit:
a killed process loses nothing, a power cut at most the last transactions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from results.database import engine_of, said
from results.storage_url import redacted, sqlite_path, storage_url, without_password
from results.trial_result import Status, TrialResult
from space.errors import InputError, RunError
from space.search_space import SearchSpace

MEMORY = "memory"
_DELETED = "study: it was deleted from the storage while the search was running"


class TrialStore(Protocol):
    """Keeps the trials of one study. One driver writes; nobody else."""

    def results(self) -> list[TrialResult]:
        """All stored trials, in order of number."""

    def start(self, trial: TrialResult) -> None:
        """Stores a new trial that runs now."""

    def restart(self, trial: TrialResult) -> None:
        """Marks an unfinished trial as running again."""

    def finish(self, trial: TrialResult) -> None:
        """Stores the result of a running trial."""

    def release(self, trials: Sequence[TrialResult]) -> None:
        """Marks running trials as waiting: stopped on purpose, to be run when the search goes on."""

    def close(self) -> None:
        """Lets go of the storage."""


class MemoryTrialStore:
    """Keeps trials in a list; nothing outlives the process."""

    def __init__(self) -> None:
        self._trials: list[TrialResult] = []

    def results(self) -> list[TrialResult]:
        """All trials so far."""
        return list(self._trials)

    def start(self, trial: TrialResult) -> None:
        """Appends."""
        self._trials.append(trial)

    def restart(self, trial: TrialResult) -> None:
        """Replaces."""
        self._trials[trial.number] = trial

    def finish(self, trial: TrialResult) -> None:
        """Replaces."""
        self._trials[trial.number] = trial

    def release(self, trials: Sequence[TrialResult]) -> None:
        """Replaces each."""
        for trial in trials:
            self._trials[trial.number] = trial.replace(status=Status.WAITING)

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
    engine = engine_of(url)
    try:
        # Optuna reports a server that does not answer as invalid data.
        engine.connect().close()
        storage = optuna.storages.RDBStorage(url)
        if storage.engine.name == "sqlite":
            _use_write_ahead_log(storage.engine)
        with storage.engine.begin() as connection:
            # Optuna opens a read-only file without complaint.
            connection.execute(sqlalchemy.text("UPDATE version_info SET schema_version = schema_version"))
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, RuntimeError) as error:
        reason = " ".join(said(error).split())
        wanted = f"a database that can be written ({without_password(reason, url)})"
        raise InputError.of("storage", wanted, redacted(url)) from None
    finally:
        engine.dispose()
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


@dataclass(frozen=True, slots=True)
class _FileMark:
    """The file of a SQLite storage. An open connection goes on writing into a file that was removed."""

    path: Path
    device: int
    inode: int

    @classmethod
    def of(cls, url: str) -> _FileMark | None:
        path = sqlite_path(url)
        if path is None or not path.exists():
            return None
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    def is_there(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.device, self.inode)


class OptunaTrialStore:
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
        self._file = _FileMark.of(storage.url)
        self._prepare(models)

    def _prepare(self, models: Any) -> None:
        """Statements are built once: building them anew would cost more than running them."""
        from sqlalchemy import bindparam, select

        trials, curves = models.TrialModel.__table__, models.TrialIntermediateValueModel.__table__
        this = trials.c.trial_id == bindparam("this_trial")
        studies = models.StudyModel.__table__
        row = select(
            bindparam("new_number", type_=trials.c.number.type),
            studies.c.study_id,
            bindparam("new_state", type_=trials.c.state.type),
            bindparam("moment", type_=trials.c.datetime_start.type),
        ).where(studies.c.study_id == bindparam("this_study"))
        # Selected from the study, so that nothing is inserted once it was deleted.
        self._insert_trial = trials.insert().from_select(
            ["number", "study_id", "state", "datetime_start"], row, include_defaults=False
        )
        self._returns_id = self._engine.dialect.insert_returning and self._engine.name != "sqlite"
        if self._returns_id:
            self._insert_trial = self._insert_trial.returning(trials.c.trial_id)
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

    def results(self) -> list[TrialResult]:
        """All stored trials; remembers their database ids."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        self._ids = {t.number: t._trial_id for t in trials}
        return [TrialResult.of_optuna(t, [d.name for d in self._space.decisions]) for t in trials]

    def start(self, trial: TrialResult) -> None:
        """One transaction: the trial, its parameters, its attributes."""
        head = {
            "this_study": self._study_id,
            "new_number": trial.number,
            "new_state": trial.state,
            "moment": _naive(trial.started),
        }
        with self._writing() as connection:
            trial_id = self._insert(connection, head)
            if trial.decisions:
                connection.execute(self._insert_params, self._params(trial_id, trial))
            connection.execute(self._insert_attributes, _attributes(trial_id, trial.attributes()))
        self._ids[trial.number] = trial_id

    def restart(self, trial: TrialResult) -> None:
        """One transaction: running again, from now; what an earlier attempt left is removed."""
        this = {"this_trial": self._ids[trial.number]}
        running = this | {"new_state": Status.RUNNING.state, "moment": _naive(trial.started)}
        with self._writing() as connection:
            self._update(connection, self._set_started, running)
            connection.execute(self._delete_curve, this)

    def finish(self, trial: TrialResult) -> None:
        """One transaction: state, values, curve, result."""
        m, trial_id = self._models, self._ids[trial.number]
        done = {"this_trial": trial_id, "new_state": trial.state, "moment": _naive(trial.finished)}
        with self._writing() as connection:
            self._update(connection, self._set_completed, done)
            if trial.values is not None:
                connection.execute(self._insert_values, _values(m, trial_id, trial.values))
            if trial.curve:
                connection.execute(self._insert_curve, _curve(m, trial_id, trial.curve))
            connection.execute(self._insert_attributes, _attributes(trial_id, trial.result_attributes()))

    def release(self, trials: Sequence[TrialResult]) -> None:
        """One transaction for all of them."""
        if trials:
            state = Status.WAITING.state
            waiting = [{"this_trial": self._ids[trial.number], "new_state": state} for trial in trials]
            with self._engine.begin() as connection:
                connection.execute(self._set_state, waiting)

    def set_study_attribute(self, key: str, value: object) -> None:
        """Stores one system attribute of the study, if it is still there."""
        with suppress(KeyError):
            self._storage.set_study_system_attr(self._study_id, key, value)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A transaction. Raises RunError where the file that holds the study has been removed."""
        if self._file is not None and not self._file.is_there():
            raise RunError(f"storage: {self._file.path} was removed or replaced while the search was running")
        with self._engine.begin() as connection:
            yield connection

    def _insert(self, connection: Any, trial: Mapping[str, Any]) -> int:
        """Inserts a trial; its id. Raises RunError where the study is not there any more."""
        inserted = connection.execute(self._insert_trial, trial)
        if self._returns_id:
            trial_id = inserted.scalar_one_or_none()
        else:
            trial_id = inserted.lastrowid if inserted.rowcount else None
        if trial_id is None:
            raise RunError(_DELETED)
        return int(trial_id)

    def _update(self, connection: Any, statement: Any, trial: Mapping[str, Any]) -> None:
        """Updates a trial. Raises RunError where it is not there any more: it went with its study."""
        if connection.execute(statement, trial).rowcount == 0:
            raise RunError(_DELETED)

    def close(self) -> None:
        """Closes the connections, which folds SQLite's log into its file."""
        self._storage.remove_session()
        self._engine.dispose()

    def _params(self, trial_id: int, trial: TrialResult) -> list[dict[str, Any]]:
        return [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": float(self._space.by_name[name].index(value)),
                "distribution_json": self._distributions[name],
            }
            for name, value in trial.decisions.items()
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
