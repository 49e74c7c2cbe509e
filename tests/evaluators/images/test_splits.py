"""Splits are disjoint, complete, stratified and seeded."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.data import load
from evaluators.images.image_set import ImageSet
from evaluators.images.splits import split


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
