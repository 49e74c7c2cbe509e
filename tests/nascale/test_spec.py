"""Search specs: files, flags, quantities, defaults, and every wrong key named."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.commands.search import command
from nascale.spec import KEYS, SearchSpec, read_spec
from space.errors import InputError, UnknownNameError


def test_every_key_is_a_flag() -> None:
    flags = {option for parameter in command.params for option in parameter.opts}
    assert {"--" + name.replace("_", "-") for name in KEYS} <= flags


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('trials = 7\nsampler = "tpe"\nmax_macs = "5M"\nmax_latency = "8ms"\n')
    spec = read_spec(path, {"trials": 9, "seed": None})
    assert (spec.trials, spec.sampler, spec.seed) == (9, "tpe", 0)
    assert (spec.max_macs, spec.max_latency) == (5_000_000, 0.008)
    assert spec.settings().budgets.bounds() == {
        "max_macs": ("macs", 5_000_000),
        "max_latency": ("latency_seconds", 0.008),
    }


def test_a_table_section_makes_the_search_ask_the_table(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('trials = 3\n[table]\npath = "x.csv"\n')
    spec = read_spec(path)
    assert (spec.evaluator, spec.table, spec.window) == ("table", str(path), 1)


def test_defaults_are_filled_in() -> None:
    spec = SearchSpec()
    assert (spec.space, spec.evaluator, spec.window, spec.study) == (
        "mixed",
        "train",
        4,
        "mixed-digits-controller",
    )
    assert SearchSpec(workers=6).window == 6
    assert SearchSpec(**spec.as_dict()) == spec
    assert spec.replace(trials=50).trials == 50


def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("trails = 3\n")
    with pytest.raises(UnknownNameError, match=r"'trails'.*trials"):
        read_spec(path)
    with pytest.raises(UnknownNameError, match="max_macs"):
        read_spec(None, {"max_mac": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trials", 0),
        ("trials", "many"),
        ("trials", 2.5),
        ("trials", True),
        ("max_macs", "5Q"),
        ("max_macs", -1),
        ("flip", "yes"),
        ("seed", -1),
        ("sampler", 3),
        ("pruner", "axe"),
        ("window", 1),
        ("objective", "accuracy,accuracy"),
        ("evaluator", "table"),
        ("rungs", "fraction=0.1"),
        ("latency_batch", 0),
        ("latency_mode", "exportd"),
    ],
)
def test_a_wrong_value_names_its_key(key: str, value: object) -> None:
    with pytest.raises(InputError, match=key):
        read_spec(None, {key: value})


@pytest.mark.parametrize("text", ["trials = ", "\x00", None])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "s.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="SPEC"):
        read_spec(path)
