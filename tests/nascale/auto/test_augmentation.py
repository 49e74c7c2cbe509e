"""What a training of which length gets: strong augmentation where it has caught up by then."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascale.auto.augmentation import CATCHING_UP, FLIPPED, STRONG, Tried, candidates, chosen, words

PLAIN = Tried({}, 40, 0.7)


def test_flips_are_tried_where_nobody_spoke_of_them() -> None:
    assert candidates({"crop": 4}) == [STRONG, FLIPPED]
    assert candidates({"flip": False}) == candidates({"flip": True}) == [STRONG]


@given(st.integers(60, 800), st.floats(0.001, 0.5))
def test_what_has_caught_up_is_taken(epochs: int, worse: float) -> None:
    for share, expected in ((0.99, STRONG), (1.01, {})):
        loss = PLAIN.loss * (epochs / 40) ** (CATCHING_UP * share)
        tried = [Tried(FLIPPED, 35, loss + worse), Tried(STRONG, 35, loss)]
        assert chosen(PLAIN, tried, epochs) == expected


def test_a_better_one_is_taken_for_any_length_and_a_much_worse_one_never() -> None:
    assert chosen(PLAIN, [Tried(FLIPPED, 39, 0.69)], 1) == FLIPPED
    assert chosen(PLAIN, [Tried(FLIPPED, 39, 0.7 * exp(1))], 4000) == {}
    assert chosen(PLAIN, [], 400) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [(STRONG, "TrivialAugment"), (FLIPPED, "TrivialAugment and flips"), ({"flip": False}, "flip False")],
)
def test_words(options: dict[str, object], said: str) -> None:
    assert words(options) == said
