"""The plan: the time is spent to the end, whatever a stage took, and small times give small plans."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascale.auto_run.plan import (
    FIRST_SECONDS,
    LEAST,
    SEARCHED,
    TITLES,
    Costs,
    Fidelity,
    Plan,
    fidelity,
    heat_sizes,
    search_rows,
    stock_size,
)


@given(st.floats(LEAST, 86_400), st.floats(0, 10))
def test_the_rows_are_the_whole_time(within: float, spent: float) -> None:
    rows = Plan.of(within, spent).rows(spent)
    assert sum(rows.values()) == pytest.approx(within)
    assert set(rows) <= set(TITLES)
    assert all(seconds >= 0 for name, seconds in rows.items() if name != "export")


@given(st.floats(300, 86_400), st.lists(st.floats(0.5, 1.3), min_size=5, max_size=5))
def test_the_last_training_ends_where_what_follows_just_fits(within: float, late: list[float]) -> None:
    plan = Plan.of(within, 8)
    now = 8.0
    for stage, factor in zip(plan.stages, late, strict=False):
        until = plan.until(stage, now)
        assert until <= within - plan.kept_back + 1e-6
        if stage != plan.stages[-1]:
            now += (until - now) * factor + (plan.costs.export if stage in ("first", "heats") else 0)
    assert until == pytest.approx(within - plan.kept_back)


def test_an_hour() -> None:
    rows = Plan.of(3600, 10).rows(10)
    minutes = {name: round(seconds / 60) for name, seconds in rows.items()}
    assert minutes == {
        "start": 0,
        "first": 2,
        "search": 19,
        "heats": 11,
        "augmentation": 3,
        "final": 25,
        "test": 0,
        "export": 1,
    }
    assert rows["first"] == FIRST_SECONDS + Costs().export


def test_short_times_have_no_heats_and_a_longer_final() -> None:
    short, longer = Plan.of(180, 8).shares, Plan.of(600, 8).shares
    assert "heats" not in short and short["search"] == longer["search"]
    assert short["final"] == longer["final"] + longer["heats"]


@pytest.mark.parametrize(("slots", "augmentations", "rounds"), [(1, 2, 2), (1, 1, 1), (2, 2, 1), (4, 2, 1)])
def test_an_augmentation_is_tried_for_the_time_of_a_training_of_the_heats(
    slots: int, augmentations: int, rounds: int
) -> None:
    plan = Plan.of(3600, 10, slots, augmentations)
    heats = ceil(sum(heat_sizes(3600, slots)) / slots)
    each = (plan.until("heats", 2000) - 2000) / heats
    now = plan.until("heats", 2000) + plan.costs.early
    assert plan.until("augmentation", now) - now == pytest.approx(each * rounds)
    assert "augmentation" not in Plan.of(3600, 10, slots, 0).stages
    assert "augmentation" not in Plan.of(600, 10).stages


def test_more_time_goes_into_more_networks_and_longer_trainings() -> None:
    found = [fidelity(seconds, 2, 8.0 / SEARCHED) for seconds in (60, 300, 1600, 16_000)]
    assert [one.epochs for one in found] == [2, 4, 6, 12]
    assert [one.trials for one in found] == [7, 18, 66, 333]
    assert all(one.fraction == 1 for one in found)


@given(st.floats(1, 40_000), st.floats(0.1, 100), st.integers(1, 8))
def test_a_search_has_time_for_itself(seconds: float, epoch_seconds: float, workers: int) -> None:
    how = fidelity(seconds, workers, epoch_seconds)
    rows = search_rows(seconds, how, stock_size(how.trials, 8), workers, epoch_seconds)
    assert sum(rows.values()) == pytest.approx(seconds)
    assert rows["search"] >= 0.4 * seconds


def test_where_not_even_one_epoch_each_fits_images_are_left_out() -> None:
    assert fidelity(60, 2, 40 / SEARCHED) == Fidelity(epochs=1, fraction=0.25, trials=12)
    assert fidelity(60, 2, 40 / SEARCHED, epochs=3) == Fidelity(epochs=3, fraction=1.0, trials=1)


@pytest.mark.parametrize(
    ("seconds", "slots", "sizes"),
    [(300, 2, (2, 2)), (1200, 2, (4, 2)), (3600, 2, (5, 3)), (3600, 1, (2, 2)), (3600, 8, (21, 11))],
)
def test_heats_fill_the_slots(seconds: float, slots: int, sizes: tuple[int, int]) -> None:
    assert heat_sizes(seconds, slots) == sizes
    assert sum(sizes) % slots == 0
