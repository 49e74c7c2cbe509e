"""Trials in an Optuna storage, with two transactions for each.

Optuna's own storage writes every parameter and attribute of a trial in a transaction of its own. Here the
driver, the only writer, puts a trial with all its parameters in one transaction when it starts and its result
in one when it ends. The tables are Optuna's own (it creates and migrates them), so the study opens in Optuna
and its dashboard at any moment. Each transaction asks whether the lease is still held (``search.lease``), and each can
be carried out ``again`` where its first try may have been carried out or not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from results.attributes import RESULT, stored_names
from results.storage_url import sqlite_path
from results.trial_result import FINISHED, Status, TrialResult
from search.database_file import DatabaseFile
from search.lease import Lease, LeaseLost
from search.numbering import delete_trial
from space.errors import RunError
from space.search_space import SearchSpace


class OptunaTrialStore:
    """Keeps the trials of one study in an Optuna storage (SQLite, PostgreSQL, MySQL by URL), under a lease on it.

    Its methods raise what SQLAlchemy raises, and RunError where the study, its file or the lease is gone.
    """

    def __init__(self, storage: Any, study_id: int, space: SearchSpace, lease: Lease) -> None:
        from optuna.distributions import CategoricalDistribution, distribution_to_json
        from optuna.storages._rdb import models

        self._storage, self._study_id, self._space, self._models = storage, study_id, space, models
        self._engine, self._lease = storage.engine, lease
        self._distributions = {
            d.name: distribution_to_json(CategoricalDistribution(d.options)) for d in space.decisions
        }
        self._ids: dict[int, int] = {}
        self._curved: set[int] = set()
        """Trials of which measurements are stored before they have ended."""
        self._file = DatabaseFile(storage.url)
        self._prepare(models)

    def _prepare(self, models: Any) -> None:
        """Statements are built once: building them anew would cost more than running them."""
        from sqlalchemy import bindparam, select

        trials, curves = models.TrialModel.__table__, models.TrialIntermediateValueModel.__table__
        this = trials.c.trial_id == bindparam("this_trial")
        held = self._lease.condition
        studies = models.StudyModel.__table__
        row = select(
            bindparam("new_number", type_=trials.c.number.type),
            studies.c.study_id,
            bindparam("new_state", type_=trials.c.state.type),
            bindparam("moment", type_=trials.c.datetime_start.type),
        ).where((studies.c.study_id == bindparam("this_study")) & held)
        # Selected from the study, so that nothing is inserted once it was deleted.
        self._insert_trial = trials.insert().from_select(
            ["number", "study_id", "state", "datetime_start"], row, include_defaults=False
        )
        self._returns_id = self._engine.dialect.insert_returning and self._engine.name != "sqlite"
        if self._returns_id:
            self._insert_trial = self._insert_trial.returning(trials.c.trial_id)
        self._insert_params = models.TrialParamModel.__table__.insert()
        attributes, values = models.TrialUserAttributeModel.__table__, models.TrialValueModel.__table__
        self._insert_attributes = attributes.insert()
        self._insert_values = values.insert()
        self._delete_values = values.delete().where(values.c.trial_id == bindparam("this_trial"))
        self._delete_result = attributes.delete().where(
            (attributes.c.trial_id == bindparam("this_trial")) & attributes.c.key.in_(stored_names(RESULT))
        )
        self._same_number = select(trials.c.trial_id).where(
            (trials.c.study_id == bindparam("this_study")) & (trials.c.number == bindparam("new_number"))
        )
        self._insert_curve = curves.insert()
        self._delete_curve = curves.delete().where(curves.c.trial_id == bindparam("this_trial"))
        self._delete_point = curves.delete().where(
            (curves.c.trial_id == bindparam("this_trial")) & (curves.c.step == bindparam("this_step"))
        )
        self._set_state = trials.update().where(this & held).values(state=bindparam("new_state"))
        self._set_started = (
            trials.update()
            .where(this & held)
            .values(state=bindparam("new_state"), datetime_start=bindparam("moment"))
        )
        self._set_completed = (
            trials.update()
            .where(this & held)
            .values(state=bindparam("new_state"), datetime_complete=bindparam("moment"))
        )

    def results(self) -> list[TrialResult]:
        """All stored trials; remembers their database ids."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        self._ids = {t.number: t._trial_id for t in trials}
        return [TrialResult.of_optuna(t, [d.name for d in self._space.decisions]) for t in trials]

    def start(self, trial: TrialResult, again: bool = False) -> None:
        """One transaction: the trial, its parameters, its attributes."""
        head = {
            "this_study": self._study_id,
            "new_number": trial.number,
            "new_state": trial.state,
            "moment": _naive(trial.started),
        }
        with self._writing() as connection:
            if again:
                for (earlier,) in connection.execute(self._same_number, head).all():
                    delete_trial(connection, self._models, earlier)
            trial_id = self._insert(connection, head)
            if trial.decisions:
                connection.execute(self._insert_params, self._params(trial_id, trial))
            connection.execute(self._insert_attributes, _attributes(trial_id, trial.attributes()))
        self._ids[trial.number] = trial_id

    def restart(self, trial: TrialResult, again: bool = False) -> None:
        """One transaction: running again, from now; what an earlier attempt left is removed."""
        this = {"this_trial": self._ids[trial.number]}
        running = this | {"new_state": Status.RUNNING.state, "moment": _naive(trial.started)}
        with self._writing() as connection:
            self._update(connection, self._set_started, running)
            connection.execute(self._delete_curve, this)

    def finish(self, trial: TrialResult, again: bool = False) -> None:
        """One transaction: state, values, curve, result."""
        m, trial_id = self._models, self._ids[trial.number]
        done = {"this_trial": trial_id, "new_state": trial.state, "moment": _naive(trial.finished)}
        with self._writing() as connection:
            self._update(connection, self._set_completed, done)
            if again or trial.number in self._curved:
                connection.execute(self._delete_curve, {"this_trial": trial_id})
            if again:
                connection.execute(self._delete_values, {"this_trial": trial_id})
                connection.execute(self._delete_result, {"this_trial": trial_id})
            if trial.values is not None:
                connection.execute(self._insert_values, _values(m, trial_id, trial.values))
            if trial.curve:
                connection.execute(self._insert_curve, _curve(m, trial_id, trial.curve))
            connection.execute(self._insert_attributes, _attributes(trial_id, trial.result_attributes()))
        self._curved.discard(trial.number)

    def measure(
        self, curves: Mapping[int, Mapping[int, float]], forgotten: Collection[int], again: bool = False
    ) -> None:
        """One transaction: measurements (step → value) of running trials by number; those ``forgotten`` lose all others."""
        with self._writing() as connection:
            for number in {*curves, *forgotten}:
                trial_id = self._ids[number]
                running = {"this_trial": trial_id, "new_state": Status.RUNNING.state}
                self._update(connection, self._set_state, running)
                if number in forgotten:
                    connection.execute(self._delete_curve, {"this_trial": trial_id})
                points = list(curves.get(number, {}).items())
                if points:
                    steps = [{"this_trial": trial_id, "this_step": step} for step, _ in points]
                    connection.execute(self._delete_point, steps)
                    connection.execute(self._insert_curve, _curve(self._models, trial_id, points))
        self._curved.update(curves)

    def release(self, trials: Sequence[TrialResult], again: bool = False) -> None:
        """One transaction for all of them."""
        if trials:
            state = Status.WAITING.state
            waiting = [{"this_trial": self._ids[trial.number], "new_state": state} for trial in trials]
            with self._writing() as connection:
                connection.execute(self._set_state, waiting)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A transaction. Raises RunError where the file that holds the study is gone, or the lease is lost."""
        self._file.check()
        with self._engine.begin() as connection:
            if self._engine.name != "sqlite" and not self._lease.hold(connection):
                raise self._refused(connection)
            yield connection

    def _insert(self, connection: Any, trial: Mapping[str, Any]) -> int:
        """Inserts a trial; its id. Raises RunError where the study or the lease is gone."""
        inserted = connection.execute(self._insert_trial, trial)
        if self._returns_id:
            trial_id = inserted.scalar_one_or_none()
        else:
            trial_id = inserted.lastrowid if inserted.rowcount else None
        if trial_id is None:
            raise self._refused(connection)
        return int(trial_id)

    def _update(self, connection: Any, statement: Any, trial: Mapping[str, Any]) -> None:
        """Updates a trial. Raises RunError where the study or the lease is gone."""
        if connection.execute(statement, trial).rowcount == 0:
            raise self._refused(connection)

    def _refused(self, connection: Any) -> LeaseLost:
        """Why nothing was written: the study is gone, or the lease."""
        from sqlalchemy import select

        studies = self._models.StudyModel.__table__
        if connection.execute(select(studies.c.study_id).where(studies.c.study_id == self._study_id)).first():
            return LeaseLost(self._lease.why_lost(connection))
        return LeaseLost("study: it was deleted from the storage while the search was running")

    def confirm(self, finished: int) -> None:
        """Reads the SQLite file anew. Raises RunError where it does not hold that many finished trials."""
        self._file.check()
        path = sqlite_path(self._storage.url)
        if path is None:
            return
        states = ",".join(f"'{state}'" for state in {status.state for status in FINISHED})
        statement = f"SELECT COUNT(*) FROM trials WHERE study_id = ? AND state IN ({states})"
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
            try:
                ((stored,),) = connection.execute(statement, (self._study_id,))
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise RunError(f"storage: {path} was damaged while the search was running ({error})") from None
        if stored < finished:
            raise RunError(
                f"storage: {path} holds {stored} of {finished} finished trials: it was overwritten"
            )

    def close(self) -> None:
        """Gives the lease back and closes the connections, which folds SQLite's log into its file."""
        self._lease.release()
        self._storage.remove_session()
        self._engine.dispose()
        self._file.close()

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
