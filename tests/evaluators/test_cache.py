"""The cache folder: which one it is, and one that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.cache import cache_folder, writable_cache
from space.errors import InputError


def test_the_argument_goes_before_the_environment_and_that_before_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "environment"))
    assert cache_folder(tmp_path / "argument") == tmp_path / "argument"
    assert cache_folder() == tmp_path / "environment"
    assert not cache_folder().exists() and writable_cache().is_dir()
    monkeypatch.setenv("NASCALE_CACHE", "")
    assert cache_folder() == Path.home() / ".cache" / "nascale"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=rf"NASCALE_CACHE: wanted a folder .*{tmp_path}/file/below"):
        writable_cache(tmp_path / "file" / "below")
