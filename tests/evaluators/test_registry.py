"""A registry finds the entries of every module of a package, one added later included."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from evaluators.registry import entries


def test_a_new_module_is_a_new_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "made_up_entries"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("ONE = 1.5\nNOTE = 'no entry'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("made_up_entries")
    assert entries(module, float, str) == {"1.5": 1.5}
    (package / "more.py").write_text("TWO, THREE = 2.5, 3.5\n")
    importlib.invalidate_caches()
    assert list(entries(module, float, str)) == ["2.5", "3.5", "1.5"]
    (package / "other.py").write_text("AGAIN = 15 / 10\n")
    importlib.invalidate_caches()
    with pytest.raises(AssertionError, match=r"two entries called 1\.5"):
        entries(module, float, str)
    for name in [name for name in sys.modules if name.startswith("made_up_entries")]:
        del sys.modules[name]
