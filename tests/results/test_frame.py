"""The column contract: dtypes, missing values, objectives, and which rows make a front."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import frame, studies
from results.columns import BY_NAME, COLUMNS, DECISION
from results.front import default_axes, front_of
from results.trial_result import STATES, Status
from space.errors import InputError, UnknownNameError
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


def test_sql_and_optuna_give_the_same_frame(storage: str) -> None:
    for name in ("digits", "reward", "empty", "failed"):
        opened = optuna.load_study(study_name=name, storage=storage)
        pd.testing.assert_frame_equal(frame.trials(name, storage), frame.trials(opened))


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


def test_a_study_of_another_tool_reads(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
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


def rows(**columns: list[object]) -> pd.DataFrame:
    """A frame of trials with the given columns; the others as a finished trial has them."""
    count = len(next(iter(columns.values())))
    columns_without_number = COLUMNS[1:]
    table = pd.DataFrame({c.name: pd.Series([None] * count, dtype=c.dtype) for c in columns_without_number})
    table.insert(0, "number", range(count))
    filled: dict[str, object] = {
        "state": ["COMPLETE"] * count,
        "status": ["ok"] * count,
        "key": [f"k{i}" for i in range(count)],
        **columns,
    }
    for name, values in filled.items():
        table[name] = pd.Series(values, dtype=BY_NAME[name].dtype)
    table.attrs = {"objectives": list(factories.OBJECTIVES)}
    return table


def test_front_leaves_out_what_did_not_finish_well() -> None:
    table = rows(
        accuracy=[0.9, 0.99, 0.98, 0.97, 0.96, float("nan")],
        macs=[100, 10, 10, 10, 10, 1],
        state=["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "RUNNING", "COMPLETE"],
        status=["ok", "pruned", "failed", "ok", "running", "ok"],
        feasible=[None, None, None, False, None, True],
    )
    assert front_of(table)["number"].tolist() == [0]


def test_a_reused_network_appears_once_as_it_was_measured() -> None:
    table = rows(
        accuracy=[0.9, 0.9, 0.9],
        macs=[100, 100, 100],
        status=["reused", "ok", "ok"],
        key=["same", "same", "another"],
    )
    # "another" is a different network at the same point: it is no worse, so it stays.
    assert front_of(table)["number"].tolist() == [1, 2]


@settings(max_examples=400 if os.environ.get("NASCALE_THOROUGH") else 40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.5, 0.9, float("nan"), float("inf")]),
            st.sampled_from([1, 2, 3]),
            st.sampled_from("abc"),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_front_has_no_dominated_member_in_any_order(drawn: list[tuple[float, int, str]], rng: object) -> None:
    table = rows(
        accuracy=[a for a, _, _ in drawn] or [],
        macs=[m for _, m, _ in drawn] or [],
        key=[k for _, _, k in drawn] or [],
    )
    front = front_of(table)
    points = front[["accuracy", "macs"]].to_numpy(dtype=float)
    finite = [(a, m) for a, m, _ in drawn if np.isfinite(a)]
    for a, m in points:
        assert not any((b >= a and n <= m) and (b > a or n < m) for b, n in finite)
    assert front["accuracy"].is_monotonic_decreasing
    assert not front.duplicated(["key", "accuracy", "macs"]).any()
    order = list(range(len(table)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    shuffled = table.iloc[order].reset_index(drop=True)
    shuffled.attrs = table.attrs
    assert front_of(shuffled)["number"].tolist() == front["number"].tolist()


def test_rank_one_is_the_front(trials: pd.DataFrame, storage: str) -> None:
    ranked = trials[(trials["rank"] == 1) & (trials["status"] == "ok")]
    assert set(ranked["number"]) == set(frame.front("digits", storage)["number"])
    assert trials.loc[trials["status"].isin(["pruned", "failed", "oom"]), "rank"].isna().all()


def test_unknown_columns_are_listed(trials: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"--x: no such column 'mac' \(nearest: macs.*columns: number"):
        front_of(trials, x="mac")
    with pytest.raises(InputError, match="--x: wanted a column that can be better or worse"):
        front_of(trials, x="worker")


def test_whole_numbers_are_exact_beyond_2_to_the_53() -> None:
    made = optuna.create_study()
    made.add_trial(
        optuna.trial.create_trial(value=1.0, user_attrs={"costs": {"macs": 2**60 + 1}, "key": "k"})
    )
    assert frame.trials(made)["macs"].iloc[0] == 2**60 + 1


def test_a_study_needs_no_name(storage: str) -> None:
    loaded = studies.load("digits", storage)
    pd.testing.assert_frame_equal(frame.trials(loaded), frame.trials("digits", storage))
