"""Exports take each other's place in one step: whoever looks sees one of them, whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nascale.auto_run import publish


def filled(folder: Path, text: str) -> Path:
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("in_one_step", [True, False])
def test_the_new_one_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_one_step: bool
) -> None:
    if not in_one_step:
        monkeypatch.setattr(publish, "_exchanged", lambda one, other: False)
    for text in ("first", "second", "third"):
        publish.exchange(filled(tmp_path / "new", text), tmp_path / "export")
        assert {path.read_text() for path in (tmp_path / "export").iterdir()} == {text}
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_no_moment_shows_half_of_one(tmp_path: Path) -> None:
    publish.exchange(filled(tmp_path / "new", "0"), tmp_path / "export")
    over = threading.Event()
    seen: list[str] = []

    def look() -> None:
        while not over.is_set():
            seen.append((tmp_path / "export" / "a").read_text())

    thread = threading.Thread(target=look)
    thread.start()
    for number in range(200):
        publish.exchange(filled(tmp_path / "new", str(number)), tmp_path / "export")
    over.set()
    thread.join()
    assert seen and all(seen)


def test_leftovers_of_a_kill_go_and_the_old_one_comes_back(tmp_path: Path) -> None:
    filled(tmp_path / ".export.old", "old")
    filled(tmp_path / ".export.new", "half")
    filled(tmp_path / "..export.newx1", "half")
    publish.recover(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (tmp_path / "export" / "a").read_text() == "old"
    filled(tmp_path / ".export.old", "older")
    publish.recover(tmp_path)
    assert (tmp_path / "export" / "a").read_text() == "old" and not (tmp_path / ".export.old").exists()
