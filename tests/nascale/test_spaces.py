"""A space that was written down is found by file or table, kept whole, and fitted to the images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nascale.spaces import search_space, space_name
from nascale.spec import SearchSpec, read_spec
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


def test_a_space_that_was_stored_with_the_words_of_its_file_is_the_same_space(tmp_path: Path) -> None:
    # Version 0.1 kept the table as it was written; block types were called families.
    table = {
        "name": "mine",
        "families": ["mbconv"],
        "stages": [{"channels": 16}, {"channels": 24, "stride": 2, "depths": [0, 1], "widths": [1, 1.5]}],
    }
    spec = SearchSpec.of(space=table)
    stored = spec.as_dict() | {"space": json.dumps(table, separators=(",", ":"))}
    assert stored["space"] != spec.as_dict()["space"]
    assert SearchSpec.canonical(stored) == spec.as_dict()


def test_it_is_fitted_to_the_images(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(MINE)
    spec = read_spec(None, {"space": str(tmp_path / "space.toml")})
    assert spec.space is not None
    assert space_name(spec.space) == "mine"
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
        ("name = ", "space: wanted a TOML file"),
    ],
)
def test_what_is_badly_written_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_spec(None, {"space": str(tmp_path / "space.toml")})


def test_broken_json_is_named() -> None:
    with pytest.raises(InputError, match=r"space: wanted a name, a \.toml file or JSON"):
        read_spec(None, {"space": "{name"})
