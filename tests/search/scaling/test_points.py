"""Files of points: what is read, and what is refused by row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.scaling.points import Points
from space.errors import InputError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth,width,resolution,accuracy\n1,1,1,77.3\n", "accuracy, row 1: wanted a fraction in"),
        ("depth,width,resolution,accuracy\n1,1,224,0.7\n", "resolution, row 1: wanted a multiplier"),
        ("depth,width,resolution,accuracy\n1,0,1,0.7\n", "width, row 1: wanted a positive multiplier"),
        ("depth,width,resolution,accuracy\n1,x,1,0.7\n", "width, row 1: wanted a number, got 'x'"),
        ("depth,width,accuracy\n1,1,0.7\n", "got 'none called resolution'"),
        ("", "an empty file"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Points.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a CSV file that can be read"):
        Points.read(tmp_path / "absent.csv")


def test_what_the_laws_take(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("name,depth,width,resolution,accuracy\na,1,1,1,0.5\nb,1,2,1.5,0.625\n")
    points = Points.read(path)
    assert len(points) == 2
    assert points.varied == (1, 2)
    assert points.logs == pytest.approx(np.array([[0, 0], [np.log(2), np.log(1.5)]]))
    assert points.percent == pytest.approx([50, 62.5])
