"""Whether the process that marked a study is still at work."""

from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from results.driver import Driver

NOW = 1000.0

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc to see processes in")


def test_a_process_is_gone_once_it_has_ended_or_its_number_is_anothers() -> None:
    this = replace(Driver.this(), beat=NOW)
    assert not this.is_gone(NOW) and this.is_gone(NOW + 61)
    assert replace(this, began="1").is_gone(NOW)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert replace(this, pid=ended.pid).is_gone(NOW)


@pytest.mark.parametrize(
    ("number", "gone"), [(errno.EMFILE, False), (errno.ESRCH, True), (errno.ENOENT, True)]
)
def test_a_process_of_which_nothing_can_be_seen_has_not_ended(
    monkeypatch: pytest.MonkeyPatch, number: int, gone: bool
) -> None:
    this = replace(Driver.this(), beat=NOW)
    assert this.is_here

    def refuse(path: Path) -> str:
        raise OSError(number, "refused", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert this.is_gone(NOW) == gone
