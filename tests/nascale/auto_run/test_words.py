"""What nascale auto says: the table of the time, and what came of it in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nascale.auto_run import more_images, words
from nascale.auto_run.augmentation import STRONGER, Options
from nascale.auto_run.state import State


def test_times_are_in_the_table() -> None:
    state = State(Path("x"), {}, 300.0, planned={"start": 6.0, "search": 120.0}, spent={"search": 90.0})
    lines: list[Any] = list(words.plan_lines(state, 2, 1.5, new=True))
    assert lines[-1].split("  ")[-1] == " search" and "2.0" in lines[-1] and "2.1" in lines[-1]
    assert any("1.5" in line for line in words.spent_lines(state))


@pytest.mark.parametrize(
    ("epochs", "reached", "options", "said"),
    [
        (
            220,
            89,
            {},
            "would bring nothing, as the least validation loss came after 89 of 220 epochs; more images or --",
        ),
        (220, 89, STRONGER, "came after 89 of 220 epochs; more images may"),
        (220, 200, {}, "twice of it would bring about +2.0 points"),
        (4, 2, {}, "twice of it would bring about +2.0 points"),
        (220, 0, {}, "twice of it would bring about +2.0 points"),
        (220, 89, {more_images.OPTION: more_images.SHARE}, "twice of it would bring about +2.0 points"),
    ],
)
def test_a_training_that_was_long_enough_is_said_so(
    epochs: int, reached: int, options: Options, said: str
) -> None:
    exported = {"epochs": epochs, "loss_epoch": reached, "options": options}
    more = {"value": 0.02, "low": 0.01, "high": 0.03, "level": 0.9}
    state = State(Path("x"), {}, 300.0, exported=exported, more_time=more)
    assert said in words._more_time(state)


@pytest.mark.parametrize(
    ("networks", "measured", "said"),
    [
        (9, 2, "a search measured 9 networks, 2 stock networks beside them"),
        (0, 2, "the time of the search was enough for 2 stock networks and no others"),
        (0, 0, "there was no time for a search"),
    ],
)
def test_what_the_search_measured_is_said(networks: int, measured: int, said: str) -> None:
    entry = {"name": "stock 1", "stock": True, "macs": 1000, "params": 100}
    state = State(Path("x"), {}, 300.0, exported={"name": "stock 1", "accuracy": 0.5}, candidates=[entry])
    state.search = {"networks": networks}
    state.stock = [{"measurements": 1 if place < measured else 0} for place in range(3)]
    assert words.conclusions(state)[0].endswith(f"; {said}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "did better on the validation images and is what"),
        (
            {more_images.OPTION: more_images.SHARE},
            "images of the heats and of the final, counted together, and is what",
        ),
    ],
)
def test_the_images_that_chose_the_stock_network_are_said(options: Options, said: str) -> None:
    entry = {"macs": 1000, "params": 100, "final": {"epochs": 100, "options": options}}
    entries = [{"name": name, "stock": name == "resnet18", **entry} for name in ("trial 1", "resnet18")]
    difference = {
        "found": "trial 1",
        "stock": "resnet18",
        "value": 0.01,
        "low": -0.01,
        "high": 0.03,
        "images": 2000,
        "of": "test images",
    }
    state = State(
        Path("x"), {}, 300.0, exported=entries[1], candidates=entries, difference=difference, worth_it="no"
    )
    assert said in words._worth(state)
