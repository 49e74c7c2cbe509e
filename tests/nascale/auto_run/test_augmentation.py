"""What a training of which length gets: more augmentation where it has caught up by then."""

from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascale.auto_run.augmentation import (
    CATCHING_UP,
    CHANCE,
    STRONGER,
    UNFLIPPED,
    Tried,
    candidates,
    chosen,
    words,
)

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


@given(st.integers(100, 800))
def test_flips_beside_trivial_augment_have_to_pay_at_once(epochs: int) -> None:
    stronger = Tried(STRONGER, 35, PLAIN.loss)
    for share, kept in ((0.99, True), (1.01, False)):
        unflipped = Tried(UNFLIPPED, 40, PLAIN.loss * exp(-CHANCE * share))
        assert chosen(PLAIN, [stronger, unflipped], epochs) == (STRONGER if kept else STRONGER | UNFLIPPED)
        assert chosen(PLAIN, [unflipped], epochs) == {}


# Hours and twenty minutes of nascale auto (docs/auto-figures.md): losses and epochs of the short trainings, and whether flips
# mean something.
@pytest.mark.parametrize(
    ("tried", "epochs", "flips"),
    [
        (((44, 0.6308), (37, 0.6875), (45, 0.6505)), 495, True),  # photos of clothing
        (((20, 0.9426), (18, 1.0996), (20, 1.0074)), 173, True),  # CIFAR-10
        (((55, 0.3975), (48, 0.4512), (51, 0.3821)), 345, False),  # Fashion-MNIST
        (((31, 0.4288), (24, 0.4976), (28, 0.4183)), 234, False),
    ],
)
def test_what_was_measured(tried: tuple[tuple[int, float], ...], epochs: int, flips: bool) -> None:
    plain, *others = (
        Tried(options, count, loss)
        for options, (count, loss) in zip(({}, STRONGER, UNFLIPPED), tried, strict=True)
    )
    assert chosen(plain, others, epochs) == (STRONGER if flips else STRONGER | UNFLIPPED)


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
