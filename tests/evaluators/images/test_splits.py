"""Splits are disjoint, complete, stratified and seeded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.data import load
from evaluators.images.image_set import ImageSet
from evaluators.images.splits import split, with_validation
from space.errors import InputError


def test_splits_are_disjoint_complete_stratified_and_seeded(digits: ImageSet) -> None:
    parts = [digits.train, digits.validation, digits.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(1797))
    for indices in parts:
        counts = np.bincount(digits.labels[indices], minlength=10)
        assert counts.min() > 0.85 * counts.mean()
    again, other = load("digits"), load("digits", seed=1)
    assert np.array_equal(again.validation, digits.validation)
    assert not np.array_equal(other.validation, digits.validation)
    assert other.checksum == digits.checksum
    assert other.describe()["split"]["checksum"] != digits.describe()["split"]["checksum"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=80), st.floats(0.05, 0.9), st.integers(0, 9))
def test_a_split_never_loses_shares_or_invents_an_image(labels: list[int], share: float, seed: int) -> None:
    y = np.array([*labels, *list(range(5)) * 3])
    train, validation, test = split(y, np.full(len(y), -1, np.int8), seed=seed, validation=share, test=share)
    assert sorted([*train, *validation, *test]) == list(range(len(y)))
    for part in (train, validation, test):
        assert set(y[part]) == set(range(5))


@given(
    st.lists(st.integers(0, 4), min_size=5, max_size=80),
    st.floats(0, 0.99),
    st.floats(0, 0.99),
    st.integers(0, 9),
)
def test_validation_images_become_training_images_and_some_of_each_class_stay(
    labels: list[int], share: float, other: float, seed: int
) -> None:
    y = np.array([*labels, *list(range(5)) * 3])
    train, validation, _ = split(y, np.full(len(y), -1, np.int8), seed=seed, validation=0.5, test=0.2)
    more, left = with_validation(y, train, validation, share, seed)
    assert sorted([*more, *left]) == sorted([*train, *validation]) and set(train) <= set(more)
    for label in range(5):
        before, after = (int((y[part] == label).sum()) for part in (validation, left))
        assert before - after == int(share * before) and after > 0
    small, large = (
        set(with_validation(y, train, validation, one, seed)[0]) for one in sorted((share, other))
    )
    assert small <= large


def test_a_set_says_which_validation_images_are_trained_on(digits: ImageSet) -> None:
    more = load("digits", trained_validation=0.8)
    assert len(more.train) + len(more.validation) == len(digits.train) + len(digits.validation)
    assert 0.19 * len(digits.validation) < len(more.validation) < 0.25 * len(digits.validation)
    assert np.array_equal(more.test, digits.test)
    moved = len(more.train) - len(digits.train)
    assert more.origins["train"].endswith(f", with {moved} of the validation images")
    assert more.origins["validation"].endswith(f", without {moved} that are trained on")
    described, before = more.describe()["split"], digits.describe()["split"]
    assert described["trained_validation"] == 0.8 and "trained_validation" not in before
    assert described["checksum"] != before["checksum"]
    with pytest.raises(InputError, match=r"trained_validation: wanted a share in \[0, 1\), got 1"):
        load("digits", trained_validation=1.0)
