"""Files written whole or not at all, and the names that they get."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from results.files import file_name, write_file


def test_a_plain_name_stays_and_others_get_a_digest() -> None:
    assert [file_name(text) for text in ("digits", "digits-tpe_2.1")] == ["digits", "digits-tpe_2.1"]
    assert file_name("a/b").startswith("a-b-") and file_name("../../etc/passwd").startswith("etc-passwd-")


@given(st.lists(st.text("ab/ .-_\\é", min_size=1, max_size=6), min_size=2, unique=True))
def test_names_that_differ_give_files_that_differ_and_stay_in_their_folder(names: list[str]) -> None:
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(
        file.isascii() and "/" not in file and file[0] not in ".-" and len(file) <= 120 for file in files
    )


def test_a_device_or_a_pipe_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, link, got = tmp_path / "pipe", tmp_path / "link", []
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for target in (pipe, link):
        reader = Thread(target=lambda: got.append(pipe.read_bytes()))
        reader.start()
        write_file(target, b"content")
        reader.join()
    assert got == [b"content"] * 2 and pipe.is_fifo() and link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]
