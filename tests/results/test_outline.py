"""Rows that are read one by one are those of the whole table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna
import pandas as pd
import pytest

from nascale.output import plain_rows
from results.attributes import named
from results.frame import front, trials
from results.outline import Outline
from results.verified import SUMMARY
from space.errors import InputError, UnknownNameError
from tests import factories
from tests.conftest import fresh_database
from tests.databases import execute

COUNT = 60
REWARD = ({"name": "reward", "direction": "maximize"},)


def repeated(storage: str) -> None:
    """Trials 40 and 41 measure the network of trial 0 again, and trial 42 is a stock network."""
    changed = {40: {"repeat_of": 0}, 41: {"repeat_of": 0}, 42: {"stock": "mobilenet_v2 ×0.25"}}
    for number, attributes in changed.items():
        for name, value in attributes.items():
            execute(
                storage,
                "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
                " SELECT trial_id, :name, :value FROM trials WHERE number = :number",
                "UPDATE trials SET state = 'COMPLETE' WHERE number = :number",
                number=number,
                name=name,
                value=json.dumps(value),
            )


def verified(storage: str) -> None:
    keys = front("digits", storage)["key"].tolist()[:2]
    figures = {"verified_accuracy": 0.8, "verified_low": 0.75, "verified_high": 0.85, "verified_seeds": 3}
    study = optuna.load_study(study_name="digits", storage=storage)
    for name, value in named({SUMMARY: {"networks": dict.fromkeys(keys, figures)}}).items():
        study.set_user_attr(name, value)


KINDS = ("two objectives", "a reward", "budgets", "repeats", "verified", "none ended")
PLACES = [*(("sqlite", kind) for kind in KINDS), ("postgresql", "budgets"), ("postgresql", "repeats")]
"""Two of the studies on the other database too: the statements are the same for all."""


@pytest.fixture(scope="module", params=PLACES, ids=" ".join)
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    database, kind = request.param
    settings: Mapping[str, Any] = {
        "a reward": {"objectives": REWARD},
        "repeats": {"objectives": REWARD},
        "budgets": {"max_macs": 2_000_000},
        "none ended": {"fates": {1: "failed"}},
    }.get(kind, {})
    with fresh_database(database, request, tmp_path_factory.mktemp("outline")) as url:
        factories.stored_study(url, COUNT, architectures=False, **settings)
        change = {"repeats": repeated, "verified": verified}.get(kind)
        if change is not None:
            change(url)
        yield url


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert plain_rows(found) == plain_rows(wanted)
    assert list(found.columns) == list(wanted.columns)
    assert [str(kind) for kind in found.dtypes] == [str(kind) for kind in wanted.dtypes]
    assert found.attrs == wanted.attrs


def outline(storage: str) -> Outline:
    found = Outline.of("digits", storage)
    assert found is not None
    return found


def test_the_front_is_that_of_the_whole_table(storage: str) -> None:
    same(outline(storage).front(), front("digits", storage))


@pytest.mark.parametrize("numbers", [range(COUNT), range(38, 45), [7], [], [COUNT], [3, 2**62]])
def test_rows_are_those_of_the_whole_table(storage: str, numbers: Sequence[int]) -> None:
    whole = trials("digits", storage)
    same(outline(storage).rows(list(numbers)), whole[whole["number"].isin(numbers)])


def test_its_numbers_are_all(storage: str) -> None:
    assert outline(storage).numbers == list(range(COUNT))


def test_a_trial_that_has_ended_since_has_the_rank_of_now(database: str) -> None:
    url = factories.stored_study(database, 12, fates={})
    execute(url, "UPDATE trials SET state = 'RUNNING' WHERE number = 11")
    before = outline(url)
    execute(url, "UPDATE trials SET state = 'COMPLETE' WHERE number = 11")
    same(before.rows([3, 11]), trials("digits", url).iloc[[3, 11]])


def test_a_study_of_another_tool_and_a_damaged_one_are_left_to_the_whole_table(database: str) -> None:
    other = optuna.create_study(study_name="other", storage=database)
    other.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert Outline.of("other", database) is None
    factories.stored_study(database, 5)
    damage = (
        "UPDATE trial_user_attributes SET value_json = replace(value_json, :was, :now) WHERE key = 'result'"
    )
    execute(database, damage, was='"epochs"', now='"loss": "1", "x"')
    assert Outline.of("digits", database) is None
    with pytest.raises(InputError, match="trial 0: loss: wanted a number"):
        trials("digits", database)


def test_a_name_that_is_not_there_is_named_with_the_nearest(database: str) -> None:
    url = factories.stored_study(database, 1)
    with pytest.raises(UnknownNameError, match="digits"):
        Outline.of("digitz", url)
