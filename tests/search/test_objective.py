"""Objectives: MnasNet's two forms against their definition, several objectives, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.objective import Objective
from space.errors import InputError, UnknownNameError


def test_accuracy_needs_no_cost() -> None:
    objective = Objective.parse("accuracy")
    assert objective.values(0.9, {}) == (0.9,)
    assert (objective.names, objective.directions) == (("accuracy",), ("maximize",))


def test_balanced_accuracy_may_take_the_place_of_accuracy() -> None:
    alone, traded = Objective.parse("balanced_accuracy"), Objective.parse("balanced_accuracy,macs")
    assert (alone.names, alone.merit, alone.sentence()) == (
        ("balanced_accuracy",),
        "balanced_accuracy",
        "maximise balanced accuracy",
    )
    assert traded.names == ("balanced_accuracy", "macs") and traded.values(0.5, {"macs": 3}) == (0.5, 3.0)
    assert traded.directions == ("maximize", "minimize")
    with pytest.raises(UnknownNameError, match="balanced_accuracy"):
        Objective.parse("balanced_acuracy")


def test_timed_accuracy_may_too() -> None:
    timed = Objective.parse("timed_accuracy")
    assert (timed.names, timed.merit) == (("timed_accuracy",), "timed_accuracy")
    assert timed.sentence() == "maximise timed accuracy" and timed.values(0.4, {}) == (0.4,)


@given(st.floats(0.01, 1.0), st.floats(1e3, 1e9), st.floats(1e3, 1e9))
def test_soft_mnas_trades_a_constant_factor_for_doubling(accuracy: float, cost: float, target: float) -> None:
    objective = Objective.parse("mnas", target=target)
    (once,), (twice,) = (objective.values(accuracy, {"macs": c}) for c in (cost, 2 * cost))
    assert once / twice == pytest.approx(1.0497, abs=5e-5)


def test_the_best_of_soft_mnas_does_not_depend_on_the_target() -> None:
    networks = [(0.70, 1e6), (0.75, 3e6), (0.78, 9e6)]
    orders = set()
    for target in (1e6, 1e8):
        objective = Objective.parse("mnas", target=target)
        orders.add(
            tuple(
                sorted(
                    range(3), key=lambda i, o=objective: o.values(networks[i][0], {"macs": networks[i][1]})
                )
            )
        )
    assert len(orders) == 1


def test_hard_mnas_leaves_what_is_within_the_target_alone() -> None:
    objective = Objective.parse("mnas-hard", cost="params", target=1000)
    assert objective.values(0.8, {"params": 1000}) == (0.8,)
    assert objective.values(0.8, {"params": 4000}) == (pytest.approx(0.2),)


def test_several_objectives_go_the_way_they_should() -> None:
    objective = Objective.parse("accuracy,macs,params")
    values = objective.values(0.5, {"macs": 10, "params": 3})
    assert values == (0.5, 10.0, 3.0)
    assert objective.directions == ("maximize", "minimize", "minimize")
    assert objective.upwards(values) == (0.5, -10.0, -3.0)


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("acuracy", {}, UnknownNameError),
        ("accuracy,mac", {}, UnknownNameError),
        ("macs,accuracy", {}, InputError),
        ("accuracy,macs,macs", {}, InputError),
        ("mnas", {}, InputError),
        ("mnas", {"target": 1e6, "exponent": 0.07}, InputError),
        ("mnas", {"target": 1e6, "cost": "watts"}, UnknownNameError),
    ],
)
def test_what_cannot_be_maximised_is_refused(
    text: str, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        Objective.parse(text, **options)  # type: ignore[arg-type]


def test_a_missing_cost_is_named() -> None:
    with pytest.raises(InputError, match="activation_bytes"):
        Objective.parse("accuracy,activation_bytes").values(0.5, {"macs": 1})


@pytest.mark.parametrize("text", ["accuracy", "mnas", "mnas-hard", "accuracy,macs"])
def test_the_trade_is_said(text: str) -> None:
    sentence = Objective.parse(text, target=1e6).sentence()
    assert "maximise accuracy" in sentence
    assert ("1.0497" in sentence) == (text == "mnas")
