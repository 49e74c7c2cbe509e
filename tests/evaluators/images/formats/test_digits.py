"""The digits are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.images.image_set import ImageSet


def test_digits_are_scikit_learn_s(digits: ImageSet) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_digits()
    assert np.array_equal(digits.images[..., 0], np.rint(bunch.images * 255 / 16).astype(np.uint8))
    assert np.array_equal(digits.labels, bunch.target)
    assert (digits.resolution, digits.channels, len(digits.classes)) == (8, 1, 10)
