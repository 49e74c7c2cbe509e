"""Files, folders and patterns of pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from evaluators.images.picture_paths import PicturePaths


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for name in ("b.png", "a.png", "deep/er/c.png", "deep/[1].png", ".hidden.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)
    (root / "notes.txt").write_text("text")
    return root


def names(found: PicturePaths, root: Path) -> list[str]:
    return [str(file.relative_to(root)) for file in found.files]


def test_a_folder_is_all_below_it(photos: Path) -> None:
    found = PicturePaths.of([str(photos)])
    assert names(found, photos) == ["a.png", "b.png", "deep/[1].png", "deep/er/c.png"]
    assert [(Path(one.path).name, one.why) for one in found.passed_by] == [
        (".hidden.png", "hidden"),
        ("notes.txt", "not an image"),
    ]


def test_files_keep_the_order_in_which_they_were_named(photos: Path) -> None:
    found = PicturePaths.of([str(photos / "b.png"), str(photos), str(photos / "b.png")])
    assert names(found, photos) == ["b.png", "a.png", "deep/[1].png", "deep/er/c.png"]


def test_patterns(photos: Path) -> None:
    assert names(PicturePaths.of([f"{photos}/*.png"]), photos) == ["a.png", "b.png"]
    assert names(PicturePaths.of([f"{photos}/**/c.png"]), photos) == ["deep/er/c.png"]
    assert names(PicturePaths.of([f"{photos}/d*"]), photos) == ["deep/[1].png", "deep/er/c.png"]
    assert names(PicturePaths.of([f"{photos}/deep/[1].png"]), photos) == ["deep/[1].png"]


def test_a_file_that_is_named_is_taken_whatever_it_is(photos: Path) -> None:
    assert names(PicturePaths.of([str(photos / "notes.txt")]), photos) == ["notes.txt"]


def test_what_is_not_there_is_missing(photos: Path) -> None:
    os.mkfifo(photos / "pipe.png")
    (photos / "link.png").symlink_to(photos / "gone.png")
    arguments = [str(photos / name) for name in ("none.png", "*.gif", "pipe.png", "link.png")]
    found = PicturePaths.of(arguments)
    assert found.files == []
    assert [one.why for one in found.missing] == [
        "nothing there",
        "matches nothing",
        "a pipe",
        "a link to nothing",
    ]


def test_links_in_circles_are_passed_by(photos: Path) -> None:
    (photos / "deep" / "again").symlink_to(photos)
    found = PicturePaths.of([str(photos)])
    assert len(found.files) == 4
    assert ("again", "a loop of links") in [(Path(one.path).name, one.why) for one in found.passed_by]
