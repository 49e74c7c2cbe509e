"""A damaged or edited database: the study, the trial and the figure are named, by every reader alike."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from results.frame import trials
from results.storage_url import sqlite_path
from results.studies import attributes_of, load, summaries
from space.errors import InputError
from tests import factories
from tests.databases import Server, execute

TRIAL = "UPDATE trial_user_attributes SET value_json = :value WHERE key = :key AND trial_id = 2"
STUDY = "UPDATE study_user_attributes SET value_json = :value WHERE key = :key"
LOOSE = ("state", "time", "number", "value", "curve", "direction")
"""What PostgreSQL, whose columns have types, refuses to hold."""


@pytest.fixture(scope="module")
def whole(database_of_file: str) -> str:
    return factories.stored_study(database_of_file, 6)


@pytest.fixture
def copy(whole: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A copy of it, to be damaged."""
    path = sqlite_path(whole)
    if path is not None:
        shutil.copy(path, tmp_path / "s.db")
        yield f"sqlite:///{tmp_path / 's.db'}"
        return
    server: Server = request.getfixturevalue("started_server")
    with server.database(like=whole) as url:
        yield url


def damaged(url: str, statement: str, *values: str) -> str:
    execute(url, statement, **dict(zip(("value", "key"), values, strict=False)))
    return url


def result(**changes: Any) -> str:
    return json.dumps({"accuracy": 0.5, "loss": 1.0, "status": "ok", **changes})


CASES: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "accuracy": (
        TRIAL,
        (result(accuracy="high"), "result"),
        "trial 1: accuracy: wanted a number, got 'high'",
    ),
    "epochs": (TRIAL, (result(epochs=10**30), "result"), "trial 1: epochs: wanted a whole number, got 10+"),
    "worker": (TRIAL, (result(worker=[1]), "result"), r"trial 1: worker: wanted text, got \[1\]"),
    "feasible": (
        TRIAL,
        (result(feasible="no"), "result"),
        "trial 1: feasible: wanted true or false, got 'no'",
    ),
    "costs": (TRIAL, ('{"macs": "many"}', "costs"), "trial 1: costs: wanted a number, got 'many'"),
    "a cost beyond all counting": (
        TRIAL,
        ('{"macs": 1e30}', "costs"),
        r"trial 1: costs: wanted a number below 2\^63, got 1e\+30",
    ),
    "broken JSON": (TRIAL, ("{", "result"), "study digits: wanted values as a search stores them"),
    "state": ("UPDATE trials SET state = 'DONE' WHERE trial_id = 2", (), "study digits: wanted values as"),
    "time": ("UPDATE trials SET datetime_start = 5 WHERE trial_id = 2", (), "5 is no time"),
    "number": (
        "UPDATE trials SET number = 'x' WHERE trial_id = 2",
        (),
        "trial x: number: wanted a whole number",
    ),
    "value": (
        "UPDATE trial_values SET value = 'x' WHERE trial_id = 2",
        (),
        "trial 1: objective values: wanted",
    ),
    "a value too few": (
        "DELETE FROM trial_values WHERE trial_id = 2 AND objective = 1",
        (),
        "wanted 2 numbers",
    ),
    "distribution": (
        "UPDATE trial_params SET distribution_json = '{}' WHERE trial_id = 2",
        (),
        "study digits",
    ),
    "curve": (
        "UPDATE trial_intermediate_values SET step = 1.5 WHERE trial_id = 2 AND step = 1",
        (),
        "epochs of the curve",
    ),
    "direction": ("UPDATE study_directions SET direction = 'UP'", (), ""),
    "objectives": (
        STUDY,
        ('[{"name": 1, "direction": "maximize"}, {}]', "objectives"),
        "objectives: wanted names and",
    ),
    "decisions": (
        STUDY,
        ('{"name": "x", "decisions": [["a"]]}', "space"),
        "space.decisions: wanted a list of names",
    ),
    "sampler": (STUDY, ('{"sampler": 5}', "spec"), "spec.sampler: wanted text, got 5"),
    "packages": (STUDY, ('{"packages": [1]}', "provenance"), "provenance.packages: wanted versions by name"),
}


@pytest.mark.parametrize("case", CASES)
def test_damage_is_named_in_one_line(copy: str, case: str) -> None:
    statement, values, message = CASES[case]
    if case in LOOSE and sqlite_path(copy) is None:
        with pytest.raises(sqlalchemy.exc.StatementError):
            damaged(copy, statement, *values)
        return
    storage = damaged(copy, statement, *values)
    if case == "direction":
        load("digits", storage)  # the study's own objectives say it too
        return
    with pytest.raises(InputError, match=message) as caught:
        load("digits", storage)
    assert "study digits" in str(caught.value) and "\n" not in str(caught.value)


def test_a_whole_study_passes(whole: str) -> None:
    assert len(load("digits", whole, architectures=True).trials) == 6
    assert attributes_of("digits", whole)


def test_a_list_of_studies_names_the_damaged_one(copy: str) -> None:
    storage = damaged(copy, TRIAL, result(accuracy="high"), "result")
    with pytest.raises(InputError, match="study digits: trial 1: accuracy"):
        summaries(storage)


def test_half_a_character_in_a_stored_text_is_named(copy: str) -> None:
    storage = damaged(copy, TRIAL, result(worker="\ud800"), "result")
    with pytest.raises(InputError, match=r"trial 1: worker: wanted text, got '\\ud800'"):
        load("digits", storage)
    storage = damaged(copy, STUDY, '{"sampler": "\\udc00"}', "spec")
    with pytest.raises(InputError, match="study digits: attributes: wanted text that can be written"):
        load("digits", storage)


def test_figures_of_another_tool_s_objective_that_no_column_holds_are_missing(copy: str) -> None:
    objectives = '[{"name": "params", "direction": "minimize"}, {"name": "macs", "direction": "minimize"}]'
    storage = damaged(copy, STUDY, objectives, "objectives")
    execute(
        storage,
        "UPDATE trial_values SET value = 1e300 WHERE objective = 0",
        "UPDATE trial_user_attributes SET value_json = '{}' WHERE key = 'costs'",
    )
    assert trials(load("digits", storage))["params"].isna().all()
