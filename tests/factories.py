"""Studies as a search leaves them, made with plain Optuna and a made-up accuracy: no training, no sampler."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from space.codec import to_json
from space.cost import costs
from space.search_space import SearchSpace
from space.spaces import space

START = datetime(2026, 3, 1, 9, 30)
OBJECTIVES = ({"name": "accuracy", "direction": "maximize"}, {"name": "macs", "direction": "minimize"})
# What happens to every n-th trial, so that a small study has one of each.
FATES = {7: "pruned", 11: "failed", 13: "oom", 9: "reused"}


def trials(
    count: int,
    *,
    seed: int = 0,
    search_space: SearchSpace | None = None,
    objectives: Sequence[Mapping[str, str]] = OBJECTIVES,
    fates: Mapping[int, str] = FATES,
    architectures: bool = True,
    max_macs: int | None = None,
) -> Iterator[FrozenTrial]:
    """``count`` trials of a random search; accuracy rises with the logarithm of MACs, with some luck.

    Where ``max_macs`` is given, costlier networks are marked infeasible.
    """
    search_space = search_space or space("mixed", resolution=16)
    rng = random.Random(seed)
    measured: list[FrozenTrial] = []
    distributions = {d.name: CategoricalDistribution(d.options) for d in search_space.decisions}
    for number in range(count):
        fate = next((f for n, f in fates.items() if number % n == n - 1), "ok")
        if fate == "reused" and not measured:
            fate = "ok"
        origin = rng.choice(measured) if fate == "reused" else None
        decisions = dict(origin.params) if origin else search_space.sample(rng)
        architecture = search_space.decode(decisions)
        known = asdict(costs(architecture))
        cost = {k: known[k] for k in ("params", "macs", "flops", "activation_bytes", "training_bytes")}
        accuracy = _accuracy(cost, decisions, rng)
        if origin:
            accuracy = origin.user_attrs["result"]["accuracy"]
        epochs = {"pruned": 1, "failed": 0, "oom": 0, "reused": 3}.get(fate, 3)
        curve = {e: accuracy * (1 - 0.3 / e) if e < 3 else accuracy for e in range(1, epochs + 1)}
        attributes: dict[str, Any] = {
            "key": architecture.key,
            "costs": cost,
            "result": {
                "accuracy": curve.get(epochs),
                "loss": 2.3 * (1 - accuracy) if epochs else None,
                "epochs": epochs,
                "seconds": 0.0 if origin else round(0.4 + cost["macs"] / 4e6, 3),
                "worker": None if origin else f"worker-{number % 2}",
                "fidelity": {"epochs": 3, "resolution": 16},
                "status": fate,
                "feasible": None if max_macs is None else cost["macs"] <= max_macs,
                "error": {"failed": "loss is NaN at epoch 1", "oom": "out of memory"}.get(fate),
                "latency_seconds": None,
                "measured_by": origin.number if origin else None,
            },
        }
        if architectures:
            attributes["architecture"] = to_json(architecture)
        state = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL, "oom": TrialState.FAIL}.get(
            fate, TrialState.COMPLETE
        )
        told = {"accuracy": accuracy, "reward": accuracy * (cost["macs"] / 1e6) ** -0.07, **cost}
        frozen = create_trial(
            state=state,
            values=[told[o["name"]] for o in objectives] if state == TrialState.COMPLETE else None,
            params=decisions,
            distributions={name: distributions[name] for name in decisions},
            user_attrs=attributes,
            intermediate_values=curve,
        )
        frozen.number = number
        frozen.datetime_start = START + timedelta(seconds=5 * number)
        frozen.datetime_complete = frozen.datetime_start + timedelta(seconds=4)
        if fate == "ok":
            measured.append(frozen)
        yield frozen


def _accuracy(cost: Mapping[str, int], decisions: Mapping[str, Any], rng: random.Random) -> float:
    merit = 0.62 + 0.11 * math.log10(cost["macs"] / 1e5) + 0.02 * math.log10(cost["params"] / 1e4)
    merit += 0.02 * sum(v == "mbconv" for v in decisions.values())
    return min(0.99, max(0.05, rng.gauss(merit, 0.025)))


def attributes(
    search_space: SearchSpace | None = None,
    objectives: Sequence[Mapping[str, str]] = OBJECTIVES,
    count: int = 40,
) -> dict[str, Any]:
    """The study's own attributes: spec, provenance, objectives, space."""
    search_space = search_space or space("mixed", resolution=16)
    return {
        "spec": {
            "space": search_space.name,
            "sampler": "random",
            "evaluator": "train",
            "data": "digits",
            "trials": count,
            "max_macs": 5_000_000,
            "seed": 0,
            "workers": 2,
        },
        "provenance": {
            "nascale": "0.1.0",
            "packages": {"python": "3.11.8", "torch": "2.13.0", "optuna": "5.0.0"},
            "git_commit": "0123456789abcdef",
            "device": "2 CPU cores",
            "data_checksum": "blake2b:00ff",
            "command": "nascale search --space mixed --sampler random --data digits --trials 40",
            "created": "2026-03-01T09:30:00+00:00",
        },
        "objectives": [dict(o) for o in objectives],
        "space": {
            "name": search_space.name,
            "resolution": 16,
            "in_channels": 1,
            "classes": 10,
            "decisions": [[d.name, list(d.options)] for d in search_space.decisions],
        },
    }


def study(
    count: int = 40,
    *,
    name: str = "digits",
    storage: str | optuna.storages.BaseStorage | None = None,
    **settings: Any,
) -> optuna.Study:
    """A study of ``count`` trials in ``storage`` (or its URL; in memory without one)."""
    objectives = settings.get("objectives", OBJECTIVES)
    made = optuna.create_study(
        study_name=name, storage=storage, directions=[o["direction"] for o in objectives]
    )
    for key, value in attributes(settings.get("search_space"), objectives, count or 40).items():
        made.set_user_attr(key, value)
    made.add_trials(trials(count, **settings))
    return made


def sqlite_study(path: Path, count: int, *, name: str = "digits", **settings: Any) -> str:
    """The URL of a SQLite file at ``path`` that holds such a study."""
    return stored_study(f"sqlite:///{path}", count, name=name, **settings)


def stored_study(url: str, count: int, *, name: str = "digits", **settings: Any) -> str:
    """Such a study in the database at ``url``, which comes back; its rows are inserted in bulk: for large ones."""
    storage = optuna.storages.RDBStorage(url)
    study(0, name=name, storage=storage, **settings)
    storage.remove_session()
    rows: dict[str, list[dict[str, Any]]] = {}
    with storage.engine.begin() as connection:
        chosen = sqlalchemy.text("SELECT study_id FROM studies WHERE study_name = :name")
        study_id = connection.execute(chosen, {"name": name}).scalar_one()
        free = sqlalchemy.text("SELECT COALESCE(MAX(trial_id), 0) + 1 FROM trials")
        first = connection.execute(free).scalar_one()
        for identifier, trial in enumerate(trials(count, **settings), start=first):
            for table, row in _rows(study_id, identifier, trial):
                rows.setdefault(table, []).append(row)
        for table, found in rows.items():
            columns = ", ".join(found[0])
            values = ", ".join(f":{column}" for column in found[0])
            connection.execute(sqlalchemy.text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), found)
        count_on(connection, "trials", "trial_id")
    storage.engine.dispose()
    return url


def count_on(connection: sqlalchemy.Connection, table: str, column: str) -> None:
    """Has a database that counts for itself give no number again that was inserted by hand."""
    if connection.dialect.name == "postgresql":
        last = f"(SELECT COALESCE(MAX({column}), 0) + 1 FROM {table})"
        connection.execute(
            sqlalchemy.text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {last}, false)")
        )


def copied(path: Path, url: str) -> str:
    """The studies of a SQLite file in another, empty database at ``url``, which comes back."""
    storage = optuna.storages.RDBStorage(url)
    here, there = sqlalchemy.create_engine(f"sqlite:///{path}"), storage.engine
    known = sqlalchemy.MetaData()
    known.reflect(there)
    with here.connect() as source, there.begin() as target:
        for table in known.sorted_tables:
            columns = ", ".join(column.name for column in table.columns)
            rows = source.execute(sqlalchemy.text(f"SELECT {columns} FROM {table.name}")).mappings().all()
            target.execute(table.delete())
            if rows:
                values = ", ".join(f":{column.name}" for column in table.columns)
                inserted = sqlalchemy.text(f"INSERT INTO {table.name} ({columns}) VALUES ({values})")
                target.execute(inserted, [dict(row) for row in rows])
            for column in table.primary_key.columns:
                if column.autoincrement is True or column.server_default is not None:
                    count_on(target, table.name, column.name)
    here.dispose()
    storage.remove_session()
    there.dispose()
    return url


def _rows(study_id: int, identifier: int, trial: FrozenTrial) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a trial, each with the name of its table."""
    trial_id = {"trial_id": identifier}
    times = {"datetime_start": str(trial.datetime_start), "datetime_complete": str(trial.datetime_complete)}
    yield (
        "trials",
        trial_id | {"number": trial.number, "study_id": study_id, "state": trial.state.name} | times,
    )
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        stored = {
            "param_name": name,
            "param_value": distribution.to_internal_repr(value),
            "distribution_json": optuna.distributions.distribution_to_json(distribution),
        }
        yield "trial_params", trial_id | stored
    for name, value in trial.user_attrs.items():
        yield "trial_user_attributes", trial_id | {"key": name, "value_json": json.dumps(value)}
    for index, value in enumerate(trial.values or ()):
        yield "trial_values", trial_id | {"objective": index, "value": value, "value_type": "FINITE"}
    for step, value in trial.intermediate_values.items():
        told = {"step": step, "intermediate_value": value, "intermediate_value_type": "FINITE"}
        yield "trial_intermediate_values", trial_id | told
