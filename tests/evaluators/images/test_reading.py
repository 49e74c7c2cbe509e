"""The cache of decoded images, and sets that stay in a file."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from PIL import Image

from evaluators.data import load
from tests.evaluators.images.written import write_folder, write_npz


def test_decoded_images_are_cached_beside_a_checksum_and_follow_the_files(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    first = load(f"folder:{root}", cache=cache)
    kept = {f.name: f.stat().st_mtime_ns for f in cache.iterdir()}
    second = load(f"folder:{root}", cache=cache)
    assert {f.name: f.stat().st_mtime_ns for f in cache.iterdir()} == kept
    assert second.checksum == first.checksum and np.array_equal(first.images, second.images)
    Image.new("RGB", (20, 16), (1, 2, 3)).save(root / "class0" / "0.png")
    assert load(f"folder:{root}", cache=cache).checksum != first.checksum


def test_a_set_larger_than_the_limit_stays_in_a_file_and_travels_by_path(tmp_path: Path) -> None:
    file = write_npz(tmp_path / "a.npz", n=4000)
    in_memory = load(f"npz:{file}", cache=tmp_path / "cache")
    mapped = load(f"npz:{file}", cache=tmp_path / "cache", memory=1000)
    assert isinstance(mapped.images, np.memmap) and not isinstance(in_memory.images, np.memmap)
    assert mapped.checksum == in_memory.checksum
    wire = pickle.dumps(mapped)
    assert len(wire) < mapped.images.nbytes / 2
    back = pickle.loads(wire)
    assert isinstance(back.images, np.memmap) and np.array_equal(back.images, in_memory.images)
