"""Picture files in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.images.loading import load
from space.errors import InputError
from tests.evaluators.images.written import write_folder


def test_folders_with_and_without_splits(tmp_path: Path) -> None:
    plain = load(f"folder:{write_folder(tmp_path / 'a')}", cache=tmp_path / "cache")
    assert plain.classes == ("class0", "class1", "class2")
    assert plain.images.shape == (18, 16, 16, 3)
    parted = load(
        f"folder:{write_folder(tmp_path / 'b', ('train', 'val', 'test'), each=3)}", cache=tmp_path / "cache"
    )
    assert (len(parted.train), len(parted.validation), len(parted.test)) == (9, 9, 9)


def test_a_corrupt_image_is_named_counted_and_skipped_only_on_request(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    (root / "class1" / "2.png").write_bytes(b"no picture")
    whole = (root / "class2" / "4.png").read_bytes()
    (root / "class2" / "4.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"2 of 18 that are not: class1/2\.png .*class2/4\.png"):
        load(f"folder:{root}", cache=cache)
    assert not list(cache.glob("*.part")) and not list(cache.glob("*.npy"))
    for _ in range(2):  # decoded, then from the cache
        images = load(f"folder:{root}", cache=cache, skip_bad=True)
        assert len(images.images) == 16 and len(images.skipped) == 2
        assert images.skipped[0].startswith("class1/2.png")
        assert images.describe()["skipped"] == 2
