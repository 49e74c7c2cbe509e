"""What a training of which length gets: more augmentation where it has caught up by then."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascale.auto_run.augmentation import CATCHING_UP, STRONGER, UNFLIPPED, Tried, candidates, chosen, words

PLAIN = Tried({}, 40, 0.7)


def test_flips_are_left_out_for_a_try_where_nobody_asked_for_them() -> None:
    assert candidates({"crop": 4}) == [STRONGER, UNFLIPPED]
    assert candidates({"flip": False}) == candidates({"flip": True}) == [STRONGER]


@given(st.integers(100, 800))
def test_more_augmentation_is_taken_where_it_has_caught_up(epochs: int) -> None:
    for share, caught_up in ((0.99, True), (1.01, False)):
        behind = (epochs / 40) ** (CATCHING_UP * share)
        stronger = Tried(STRONGER, 35, PLAIN.loss * behind)
        assert chosen(PLAIN, [stronger], epochs) == (STRONGER if caught_up else {})
        unflipped = Tried(UNFLIPPED, 40, PLAIN.loss / behind)
        assert chosen(PLAIN, [unflipped], epochs) == ({} if caught_up else UNFLIPPED)


def test_each_try_counts_for_itself() -> None:
    better, worse = PLAIN.loss * exp(-0.5), PLAIN.loss * exp(0.5)
    assert (
        chosen(PLAIN, [Tried(STRONGER, 1, better), Tried(UNFLIPPED, 1, better)], 400) == STRONGER | UNFLIPPED
    )
    assert chosen(PLAIN, [Tried(STRONGER, 1, worse), Tried(UNFLIPPED, 1, worse)], 400) == {}
    assert chosen(PLAIN, [], 400) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (STRONGER, "TrivialAugment"),
        (STRONGER | UNFLIPPED, "TrivialAugment and no flips"),
        ({"flip": True}, "flip True"),
    ],
)
def test_words(options: dict[str, object], said: str) -> None:
    assert words(options) == said
