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


def test_a_file_that_unpacks_to_more_than_it_says_or_than_is_allowed_is_not_unpacked(tmp_path: Path) -> None:
    """A gzip of 4 GB takes 4 MB; reading stops at the header, or one byte behind what it says."""
    import tracemalloc

    def packed(extents: tuple[int, int, int], blocks: int) -> bytes:
        head = gzip.compress(struct.pack(">HBBIII", 0, 8, 3, *extents), 1)
        return head + gzip.compress(bytes(2**24), 1) * blocks

    labels = struct.pack(">HBBI", 0, 8, 1, 12) + bytes(12)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    for extents, message in (
        ((12, 8, 8), "wanted 768 bytes of data, got 'more'"),
        ((2**32 - 1, 2**32 - 1, 2**32 - 1), r"wanted images of at most .* MB \(--max-image-bytes\)"),
    ):
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed(extents, 250))
        tracemalloc.start()
        with pytest.raises(InputError, match=message):
            load(f"idx:{tmp_path}")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100 * 2**20
