"""Images from npz files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.images.loading import load
from tests.evaluators.conftest import shared
from tests.evaluators.images.written import write_npz


def test_npz_keeps_its_test_split_and_draws_validation_from_train(tmp_path: Path) -> None:
    images = load(f"npz:{write_npz(tmp_path / 'a.npz')}")
    assert (len(images.train), len(images.validation), len(images.test)) == (32, 8, 10)
    assert images.test.tolist() == list(range(40, 50))


def test_the_cifar_subset_loads_and_its_statistics_are_the_published_ones() -> None:
    images = load(f"npz:{shared('images/cifar10-10k.npz')}")
    assert images.images.shape == (12000, 32, 32, 3) and len(images.test) == 2000
    mean, std = images.statistics
    assert mean == pytest.approx([0.4928, 0.4842, 0.4473], abs=3e-3)
    assert std == pytest.approx([0.2458, 0.2432, 0.2605], abs=3e-3)
