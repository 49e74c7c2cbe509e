"""The column contract: dtypes, missing values and objectives."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import optuna
import pandas as pd
import pytest

from results import frame, studies
from results.columns import COLUMNS, DECISION
from results.front import default_axes, front_of
from results.trial_result import STATES, Status
from tests import factories


def test_columns_and_dtypes_are_those_of_the_contract(trials: pd.DataFrame) -> None:
    fixed = [c for c in trials.columns if not str(c).startswith(DECISION)]
    assert fixed == [c.name for c in COLUMNS]
    for column in COLUMNS:
        assert str(trials[column.name].dtype) == column.dtype, column.name
    for name, words in (("status", Status), ("state", STATES)):
        assert trials[name].cat.categories.tolist() == list(words)
    assert trials.attrs["study"] == "digits"
    assert trials.attrs["objectives"] == list(factories.OBJECTIVES)
    assert trials.attrs["units"]["macs"] == "multiply-accumulates per image"


def test_an_empty_study_has_the_same_columns_and_dtypes(storage: str, trials: pd.DataFrame) -> None:
    empty = frame.trials("empty", storage)
    assert len(empty) == 0
    assert [(c, str(t)) for c, t in empty.dtypes.items() if not str(c).startswith("decision_")] == [
        (c, str(t)) for c, t in trials.dtypes.items() if not str(c).startswith("decision_")
    ]
    assert frame.front("empty", storage).columns.tolist() == empty.columns.tolist()


def test_decisions_keep_their_kind(trials: pd.DataFrame) -> None:
    assert str(trials["decision_stage1.depth"].dtype) == "Int64"
    assert str(trials["decision_stage1.width"].dtype) == "float64"
    assert str(trials["decision_stage1.mbconv.skip"].dtype) == "boolean"
    block = trials["decision_stage1.block"]
    assert block.cat.categories.tolist() == ["mbconv", "bottleneck", "inception"]
    # A setting of a family is missing exactly where another family was chosen.
    absent = trials["decision_stage1.mbconv.kernel"].isna()
    assert absent.tolist() == (block != "mbconv").tolist()


def test_mixed_options_become_words() -> None:
    made = optuna.create_study()
    choice = optuna.distributions.CategoricalDistribution([True, 1, "one", None])
    for value in (True, 1, "one", None):
        made.add_trial(optuna.trial.create_trial(value=1.0, params={"c": value}, distributions={"c": choice}))
    column = frame.trials(made)["decision_c"]
    assert column.tolist() == ["True", "1", "one", "None"]


def test_sql_and_optuna_give_the_same_frame(either: str) -> None:
    for name in ("digits", "reward", "empty", "failed"):
        opened = optuna.load_study(study_name=name, storage=either)
        pd.testing.assert_frame_equal(frame.trials(name, either), frame.trials(opened))


def test_both_databases_give_the_same_frame(either: str, storage: str) -> None:
    for name in ("digits", "reward", "empty", "failed"):
        pd.testing.assert_frame_equal(frame.trials(name, either), frame.trials(name, storage))
        pd.testing.assert_frame_equal(frame.front(name, either), frame.front(name, storage))


def test_times_are_utc(trials: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    local = factories.START.astimezone()
    assert trials["started"].iloc[0] == pd.Timestamp(local.astimezone(UTC))
    monkeypatch.setenv("TZ", "America/New_York")  # whose clocks go forward on 8 March 2026
    time.tzset()
    try:
        made = optuna.create_study()
        for day in (7, 9):
            one = optuna.trial.create_trial(value=1.0)
            one.datetime_start = datetime(2026, 3, day, 12)
            made.add_trial(one)
        started = frame.trials(made)["started"]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [t.hour for t in started] == [17, 16]


def test_a_study_of_another_tool_reads(database: str) -> None:
    url = database
    made = optuna.create_study(storage=url, study_name="plain", directions=["minimize", "maximize"])
    made.optimize(
        lambda t: (t.suggest_float("rate", 1e-4, 1, log=True), t.suggest_int("layers", 1, 4)), n_trials=12
    )
    table = frame.trials("plain", url)
    assert str(table["decision_rate"].dtype) == "float64"
    assert str(table["decision_layers"].dtype) == "Int64"
    assert table["objective_value_0"].tolist() == [t.values[0] for t in made.trials]
    front = frame.front("plain", url)
    assert set(front["number"]) == {t.number for t in made.best_trials}


def test_an_objective_that_is_no_column_gets_one(storage: str) -> None:
    table = frame.trials("reward", storage)
    assert table.columns.tolist().index("objective_reward") == table.columns.tolist().index("loss") + 1
    # One objective: the front is spanned by accuracy and MACs all the same.
    assert default_axes(table) == ["accuracy", "macs"]
    by_reward = frame.front("reward", storage, y="reward", x="params")
    assert by_reward["objective_reward"].is_monotonic_decreasing
    assert by_reward["params"].is_monotonic_decreasing


def test_a_running_trial_counts_its_epochs() -> None:
    made = optuna.create_study(directions=["maximize", "minimize"])
    asked = made.ask()
    made._storage.set_trial_intermediate_value(asked._trial_id, 1, 0.5)
    table = frame.trials(made)
    assert table["status"].tolist() == ["running"]
    assert table["epochs"].tolist() == [1]
    assert len(front_of(table)) == 0


def test_whole_numbers_are_exact_beyond_2_to_the_53() -> None:
    made = optuna.create_study()
    made.add_trial(
        optuna.trial.create_trial(value=1.0, user_attrs={"costs": {"macs": 2**60 + 1}, "key": "k"})
    )
    assert frame.trials(made)["macs"].iloc[0] == 2**60 + 1


def test_a_study_needs_no_name(storage: str) -> None:
    loaded = studies.load("digits", storage)
    pd.testing.assert_frame_equal(frame.trials(loaded), frame.trials("digits", storage))
