"""A space that was written down is found by file or table, kept whole, and fitted to the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.spec import read_spec
from nascale.written_space import search_space, space_label
from space.errors import InputError

MINE = """
name = "mine"
block_types = ["mbconv"]
stages = [{ channels = 16 }, { channels = 24, stride = 2, depths = [0, 1] }]
options.mbconv.kernel = [3, 7]
"""


def test_a_file_and_a_table_give_the_same_spec(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(MINE)
    (tmp_path / "spec.toml").write_text("trials = 3\n[space]\n" + MINE)
    by_flag = read_spec(None, {"space": str(tmp_path / "space.toml"), "trials": 3})
    by_table = read_spec(tmp_path / "spec.toml")
    assert by_flag == by_table
    assert by_table.study == "mine-digits-controller"
    again = read_spec(None, by_table.as_dict())
    assert again == by_table, "what a study keeps reads back as the same spec"


def test_it_is_fitted_to_the_images(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(MINE)
    spec = read_spec(None, {"space": str(tmp_path / "space.toml")})
    assert spec.space is not None
    assert space_label(spec.space) == "mine"
    made = search_space(spec.space, 8, 1, 10)
    assert made.by_name["stage1.mbconv.kernel"].options == (3, 7)
    network = made.decode(next(made.enumerate()))
    assert (network.resolution, network.in_channels, network.classes) == (8, 1, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            MINE.replace("block_types", "block_typs"),
            "space.toml: key: no such name 'block_typs' .nearest: block_types",
        ),
        ("name = ", "SPEC: wanted a TOML file"),
    ],
)
def test_what_is_badly_written_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_spec(None, {"space": str(tmp_path / "space.toml")})


def test_broken_json_is_named() -> None:
    with pytest.raises(InputError, match=r"space: wanted a name, a \.toml file or JSON"):
        read_spec(None, {"space": "{name"})
