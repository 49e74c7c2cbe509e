"""ω² against its closed form, against noise, and with conditional decisions."""

from __future__ import annotations

import numpy as np
import optuna
import pandas as pd
import pytest

from results import frame
from results.importance import check_target, importance, omega_squared
from space.errors import InputError
from tests import factories


def test_omega_squared_by_hand() -> None:
    # Groups {1, 2, 3} and {5, 6, 7}: SS_between = 24, SS_within = 4, MS_within = 1, SS_total = 28.
    groups = [np.array([1.0, 2, 3]), np.array([5.0, 6, 7])]
    assert omega_squared(groups, np.concatenate(groups)) == pytest.approx((24 - 1) / (28 + 1))
    assert omega_squared(groups[:1], groups[0]) == 0
    assert omega_squared([np.ones(3), np.ones(3)], np.ones(6)) == 0
    assert (
        omega_squared([np.array([1.0]), np.array([2.0])], np.array([1.0, 2])) == 0
    )  # nothing to tell noise by


def study_of(accuracy: object, count: int = 400) -> pd.DataFrame:
    """A study of two decisions; ``sub`` exists only where ``main`` is 'a'. ``accuracy(main, sub, rng)``."""
    rng = np.random.default_rng(0)
    choices = {
        "main": optuna.distributions.CategoricalDistribution(["a", "b"]),
        "sub": optuna.distributions.CategoricalDistribution([1, 2]),
    }
    made = optuna.create_study(directions=["maximize", "minimize"])
    made.set_user_attr("nascale:objectives", list(factories.OBJECTIVES))
    for _ in range(count):
        params = {"main": str(rng.choice(["a", "b"]))}
        if params["main"] == "a":
            params["sub"] = int(rng.choice([1, 2]))  # type: ignore[assignment]
        value = accuracy(params["main"], params.get("sub"), rng)  # type: ignore[operator]
        made.add_trial(
            optuna.trial.create_trial(
                values=[value, 1.0],
                params=params,
                distributions={k: choices[k] for k in params},
                user_attrs={"nascale:key": None, "nascale:result": {"accuracy": value, "status": "ok"}},
            )
        )
    return frame.trials(made)


def test_noise_is_not_important() -> None:
    table = importance(study_of(lambda main, sub, rng: rng.normal(0.5, 0.1)))
    assert (table["importance"] <= table["noise"] * 1.5).all()
    assert table["importance"].max() < 0.02


def test_a_child_is_not_credited_with_its_parent() -> None:
    table = importance(study_of(lambda main, sub, rng: 0.5 + 0.3 * (main == "a") + rng.normal(0, 0.05)))
    shares = table.set_index("decision")["importance"]
    assert shares["main"] > 0.8
    assert shares["sub"] < 0.01
    assert table["best"].iloc[0] == "a"
    assert table["effect"].iloc[0] == pytest.approx(0.3, abs=0.02)


def test_a_child_that_matters_is_seen() -> None:
    table = importance(study_of(lambda main, sub, rng: 0.5 + 0.2 * (sub == 2) + rng.normal(0, 0.02)))
    row = table.set_index("decision").loc["sub"]
    assert row["importance"] > row["noise"]
    assert row["best"] == "2"
    assert 150 < row["active"] < 250


def test_reused_rows_count_once(trials: pd.DataFrame) -> None:
    measured = trials[trials["status"] != "reused"].copy()
    measured.attrs = trials.attrs
    pd.testing.assert_frame_equal(importance(trials), importance(measured))


def test_nothing_to_tell_is_an_error(storage: str) -> None:
    with pytest.raises(InputError, match="two finished trials that differ in accuracy"):
        check_target(frame.trials("failed", storage), "accuracy")
