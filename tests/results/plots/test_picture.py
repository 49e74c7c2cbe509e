"""Pictures as files: whole, in the form that the suffix names, and refused before the work is done."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from results.plots import picture
from results.plots import study as plot
from space.errors import InputError


@pytest.mark.parametrize("suffix", picture.SUFFIXES)
def test_files_are_written_whole(suffix: str, trials: pd.DataFrame, tmp_path: Path) -> None:
    saved = picture.save(plot.draw(trials, "front"), tmp_path / f"front{suffix}")
    assert saved.stat().st_size > 5000
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]
    if suffix == ".svg":
        assert "Validation accuracy (%)" in saved.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["none/p.png", "p.gif", "p", "."])
def test_a_picture_that_cannot_be_written_is_refused_beforehand(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--picture"):
        picture.check_picture(tmp_path / name, "--picture")
    picture.check_picture(tmp_path / "p.svg")
