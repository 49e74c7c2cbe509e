"""TOML files: whatever is wrong with one is one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.toml_file import MOST_TEXT, read_text_file, read_toml
from space.errors import InputError

BROKEN = {
    "no TOML": b"a = ",
    "no UTF-8": b"a = '\xff'",
    "a number of 5,000 digits": b"a = " + b"9" * 5000,
    "tables without end": b"a = " + b"[" * 100_000,
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, case: str) -> None:
    (tmp_path / "a.toml").write_bytes(BROKEN[case])
    with pytest.raises(InputError, match=r"^SPEC: wanted a TOML file, got .*a\.toml") as caught:
        read_toml(tmp_path / "a.toml")
    assert "\n" not in str(caught.value)


def test_what_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="wanted a TOML file of at most 64 MiB, got '/dev/zero, which is larger'"
    ):
        read_toml("/dev/zero")
    for path in (tmp_path / "none", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="ARCH: wanted a JSON file that can be read"):
            read_text_file(path, "ARCH", "a JSON file")
    assert MOST_TEXT == 64 * 2**20


def test_lines_of_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"a = 1\r\nb = '''x\r\ny'''\r\n")
    assert read_toml(tmp_path / "a.toml") == {"a": 1, "b": "x\ny"}
