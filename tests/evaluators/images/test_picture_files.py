"""Headers of picture files, and one file decoded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from evaluators.images.picture_files import Headers, decoded_file
from evaluators.images.pictures import Depth, why_no_picture


def test_headers_tell_sides_and_which_pictures_are_deep(tmp_path: Path) -> None:
    Image.new("L", (20, 10)).save(tmp_path / "grey.png")
    Image.fromarray(np.full((12, 10), 40_000, np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "bad.png").write_bytes(b"bad")
    files = sorted(tmp_path.iterdir())
    found = Headers.of(files)
    assert found.sides == {10: 2} and found.grey and found.deep == (tmp_path / "deep.png",)
    Image.new("RGB", (5, 6)).save(tmp_path / "colours.png")
    assert not Headers.of(sorted(tmp_path.iterdir())).grey


def test_a_file_becomes_a_square_or_a_reason(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 10, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    found = decoded_file(tmp_path / "wide.png", 6, 3, Depth())
    np.testing.assert_array_equal(found, pixels[:, 2:8])
    (tmp_path / "empty.png").touch()
    assert decoded_file(tmp_path / "empty.png", 6, 3, Depth()) == "an empty file"
    whole = (tmp_path / "wide.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    assert isinstance(decoded_file(tmp_path / "half.png", 6, 3, Depth()), str)
    assert decoded_file(tmp_path / "none.png", 6, 3, Depth()) == "no such file or directory"


def test_a_pipe_that_is_called_a_picture_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "pipe.png")
    for name in ("pipe.png", "link.png"):
        assert decoded_file(tmp_path / name, 8, 3, Depth()) == "a pipe"
    assert why_no_picture((tmp_path / "pipe.png").rename(tmp_path / "pipe")) == "not an image"
    assert not Headers.of([tmp_path / "pipe"]).sides


def test_a_picture_of_more_than_is_allowed_is_not_decoded(tmp_path: Path) -> None:
    Image.new("L", (3000, 2000)).save(tmp_path / "a.png")
    assert decoded_file(tmp_path / "a.png", 8, 3, Depth(), 10**6) == (
        "ValueError: 3000×2000 pixels, more than --max-image-bytes"
    )
