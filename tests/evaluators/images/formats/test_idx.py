"""Images from IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from evaluators.data import load
from space.errors import InputError
from tests.evaluators.conftest import shared


def test_idx_files_load_gzipped_or_not(tmp_path: Path) -> None:
    pictures = np.arange(20 * 4 * 5, dtype=np.uint32).astype(np.uint8).reshape(20, 4, 5)
    labels = (np.arange(20) % 2).astype(np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 20, 4, 5) + pictures.tobytes())
    )
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 20) + labels.tobytes())
    images = load(f"idx:{tmp_path}")
    assert np.array_equal(images.images[..., 0], pictures)
    assert len(images.train) + len(images.validation) + len(images.test) == 20
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 21) + labels.tobytes())
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte: wanted 21 bytes"):
        load(f"idx:{tmp_path}")


def test_fashion_mnist_loads() -> None:
    images = load(f"idx:{shared('images/fashion-mnist')}")
    assert images.images.shape == (10000, 28, 28, 1)
    assert np.bincount(images.labels).tolist() == [1000] * 10
