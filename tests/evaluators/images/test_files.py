"""The walk through a folder: every regular file, and a reason for all else; nothing else is opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from evaluators.images.files import kind_of, shown, walk


def test_what_is_no_regular_file_is_named_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.png").write_bytes(b"x")
    (root / "elsewhere").symlink_to(tmp_path / "set" / "a")
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / "gone.png").symlink_to("/moved/away.png")
    (root / "a" / "loop.png").symlink_to("loop.png")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "top").symlink_to("/")
    (root / "a" / "._1.png").write_bytes(b"x")
    (root / "Thumbs.db").write_bytes(b"x")
    (root / "__MACOSX").mkdir()
    monkeypatch.chdir(root / "a")  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
    tree = walk(root)
    assert [str(file.relative_to(root)) for file in tree.all_files()] == ["a/1.png", "elsewhere/1.png"]
    named = {
        str(path.relative_to(root)): why for path, why in tree.all_others() if "elsewhere" not in str(path)
    }
    assert named == {
        "Thumbs.db": "made by the system",
        "__MACOSX": "made by the system",
        "a/._1.png": "hidden",
        "a/gone.png": "a link to nothing",
        "a/loop.png": "a loop of links",
        "a/pipe.png": "a pipe",
        "a/socket.png": "a socket",
        "a/top": "a loop of links",
        "a/up": "a loop of links",
    }


def test_what_stands_at_a_path(tmp_path: Path) -> None:
    assert kind_of(tmp_path) == "a folder" and kind_of(tmp_path / "none") == "nothing there"
    assert kind_of(Path("/dev/null")) == "a device" and kind_of(Path("a\0b")) == "nothing there"


def test_names_fit_on_one_line_of_any_screen(tmp_path: Path) -> None:
    assert shown("cats/München 1.png") == "cats/München 1.png"
    odd = tmp_path / os.fsdecode(b"a\xffb\nc.png")
    odd.write_bytes(b"x")
    (found,) = walk(tmp_path).files
    assert shown(found.name) == "a\\xffb\\nc.png"
