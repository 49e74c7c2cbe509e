"""Trial numbers are unique in a study: an index holds them so, and a study that breaks it is repaired.

Two searches that the first version let run side by side gave numbers out twice. The repair keeps, under each such number,
the trial that finished first. Others that finished get new numbers at the end: nothing that was measured is lost. Others
that did not finish hold nothing, and go.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from results.attributes import REPEAT_OF, RESULT, of_trial, stored_names
from results.trial_result import Status
from space.errors import InputError

INDEX = "nascale_trial_number"


def ensure_unique(engine: Any, study_id: int, name: str) -> str:
    """Makes the study's trial numbers unique; what was repaired, in a sentence, or nothing.

    The caller holds the study's lease. Raises InputError for a study from whose numbers some are missing.
    """
    from optuna.storages._rdb import models
    from sqlalchemy import func, inspect, select, text
    from sqlalchemy.exc import SQLAlchemyError

    trials = models.TrialModel.__table__
    indexes = {index["name"] for index in inspect(engine).get_indexes(trials.name)}
    with engine.begin() as connection:
        count, distinct, last = connection.execute(
            select(
                func.count(),
                func.count(trials.c.number.distinct()),
                func.coalesce(func.max(trials.c.number), -1),
            ).where(trials.c.study_id == study_id)
        ).one()
        said = "" if count == distinct else _repair(connection, models, study_id)
    if distinct != last + 1:
        wanted = f"trials numbered from 0 to {last} without a gap"
        raise InputError.of("study", wanted, f"{name!r}, which has {distinct} of them")
    if INDEX not in indexes:
        # Where another study holds a number twice, or the tables belong to somebody else, the lease must do.
        with suppress(SQLAlchemyError), engine.begin() as connection:
            connection.execute(text(f"CREATE UNIQUE INDEX {INDEX} ON {trials.name} (study_id, number)"))
    return said


def _repair(connection: Any, models: Any, study_id: int) -> str:
    from sqlalchemy import select

    trials, attributes = models.TrialModel.__table__, models.TrialUserAttributeModel.__table__
    rows = connection.execute(
        select(trials.c.trial_id, trials.c.number, trials.c.state)
        .where(trials.c.study_id == study_id)
        .order_by(trials.c.number, trials.c.datetime_complete, trials.c.trial_id)
    ).all()
    finished = {row.trial_id: Status.of_state(row.state.name).finished for row in rows}
    kept: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: not finished[row.trial_id]):
        kept.setdefault(row.number, row.trial_id)
    doubles = [row.trial_id for row in rows if kept[row.number] != row.trial_id]
    moved = [trial_id for trial_id in doubles if finished[trial_id]]
    gone = [trial_id for trial_id in doubles if not finished[trial_id]]
    numbers = {trial_id: number for number, trial_id in kept.items()}
    for number, trial_id in enumerate(moved, max(kept) + 1):
        connection.execute(trials.update().where(trials.c.trial_id == trial_id).values(number=number))
        numbers[trial_id] = number
    for trial_id in gone:
        delete_trial(connection, models, trial_id)
    _point_anew(connection, trials, attributes, study_id)
    return (
        f"two searches had run on this study side by side: {len(moved)} of their trials got new numbers, {len(gone)} "
        "that had not finished were removed"
    )


def _point_anew(connection: Any, trials: Any, attributes: Any, study_id: int) -> None:
    """Has trials that name another one (cache hits, repeats) name one with the same network."""
    from sqlalchemy import select

    rows = connection.execute(
        select(trials.c.trial_id, trials.c.number, attributes.c.key, attributes.c.value_json)
        .join(attributes, attributes.c.trial_id == trials.c.trial_id)
        .where(trials.c.study_id == study_id)
    ).all()
    raw: dict[int, dict[str, Any]] = {row.number: {} for row in rows}
    ids = {row.number: row.trial_id for row in rows}
    for row in rows:
        raw[row.number][row.key] = json.loads(row.value_json)
    ours = {number: of_trial(stored) for number, stored in raw.items()}
    first: dict[Any, int] = {}
    for number in sorted(ours):
        first.setdefault(ours[number].get("key"), number)
    for number, stored in ours.items():
        key, result = stored.get("key"), stored.get(RESULT)
        changed: dict[str, Any] = {}

        def fits(other: object, key: object = key) -> bool:
            return other is None or (other in ours and ours[other].get("key") == key)

        if isinstance(result, dict) and not fits(result.get("measured_by")):
            changed[RESULT] = result | {"measured_by": first[key]}
        if not fits(stored.get(REPEAT_OF)):
            changed[REPEAT_OF] = first[key]
        for name, value in changed.items():
            connection.execute(
                attributes.update()
                .where(attributes.c.trial_id == ids[number], attributes.c.key.in_(stored_names(name)))
                .values(value_json=json.dumps(value))
            )


def delete_trial(connection: Any, models: Any, trial_id: int) -> None:
    """Removes a trial with everything that belongs to it."""
    for model in (
        models.TrialUserAttributeModel,
        models.TrialSystemAttributeModel,
        models.TrialParamModel,
        models.TrialValueModel,
        models.TrialIntermediateValueModel,
        models.TrialHeartbeatModel,
        models.TrialModel,
    ):
        table = model.__table__
        connection.execute(table.delete().where(table.c.trial_id == trial_id))
