"""What a study keeps of its verification, and its figures in trials, frames and fronts."""

from __future__ import annotations

import optuna
import pytest

from results.attributes import named
from results.frame import front, trials
from results.studies import load, of_optuna
from results.verified import SUMMARY, FreshMeasurement, fresh_measurements, with_verified
from tests import factories

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_a_measurement_comes_back_from_its_attribute() -> None:
    one = FreshMeasurement(key="a|b", seed=3, fidelity="epochs=15", accuracy=0.5, again=0.4, seconds=2.0)
    broken = FreshMeasurement(key="c" * 1000, seed=4, fidelity="table", error="nan: the loss became nan")
    kept = {m.name: m.to_json() for m in (one, broken)}
    assert fresh_measurements({**kept, "spec": {}, "verification/odd": 1}) == {
        m.name: m for m in (one, broken)
    }
    assert max(map(len, kept)) < 100  # databases bound the length of a name


def test_seed_network_and_fidelity_name_a_measurement() -> None:
    names = {
        FreshMeasurement(key=key, seed=seed, fidelity=fidelity).name
        for key in ("a", "b")
        for seed in (1, 2)
        for fidelity in ("table", "epochs=3")
    }
    assert len(names) == 8


@pytest.fixture(scope="module")
def verified(database_of_file: str) -> tuple[str, list[str]]:
    """A stored study whose two best keys are verified, the second one higher."""
    url = factories.stored_study(database_of_file, 12)
    study = optuna.load_study(study_name="digits", storage=url)
    table = front("digits", url)
    keys: list[str] = table["key"].tolist()[:2]
    figures = [
        {"verified_accuracy": value, "verified_low": value - 0.1, "verified_high": value + 0.1,
         "probability_best": share, "verified_seeds": 3}
        for value, share in ((0.6, 0.2), (0.7, 0.8))
    ]  # fmt: skip
    summary = {"networks": dict(zip(keys, figures, strict=True)), "seeds": [1, 2, 3]}
    for name, value in named({SUMMARY: summary}).items():
        study.set_user_attr(name, value)
    return url, keys


def test_the_front_can_be_drawn_with_verified_accuracies(verified: tuple[str, list[str]]) -> None:
    url, keys = verified
    best = front("digits", url, x="number", y="verified_accuracy")
    assert best["verified_accuracy"].tolist()[0] == 0.7
    assert best["key"].tolist()[0] == keys[1]
    assert set(best["key"]) <= set(keys)


def test_every_complete_trial_of_a_verified_network_has_its_figures(verified: tuple[str, list[str]]) -> None:
    url, keys = verified
    table = trials("digits", url)
    told = table["verified_accuracy"].notna()
    assert set(table.loc[told, "key"]) == set(keys)
    assert (table.loc[table["key"].isin(keys) & (table["state"] == "COMPLETE"), "verified_seeds"] == 3).all()
    opened = of_optuna(optuna.load_study(study_name="digits", storage=url))
    assert [t.verified_accuracy for t in opened.trials] == [
        t.verified_accuracy for t in load("digits", url).trials
    ]


@pytest.mark.parametrize("summary", [None, 3, {"networks": 4}, {"networks": {"x": 5}}])
def test_an_odd_attribute_is_left_alone(summary: object) -> None:
    study = of_optuna(factories.study(3))
    assert with_verified(study.trials, {SUMMARY: summary}) == study.trials
