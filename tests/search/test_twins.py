"""Rows of one key that were measured apart are counted, copies are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.table_file import open_table
from evaluators.table_settings import read_settings
from search.candidate_cache import CandidateCache
from search.settings import Budgets
from search.twins import Twins, twins


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["0,same,50,52", "1,same,50,52", "2,other,60,60"], None),
        (["0,same,50,52", "1,same,53,52", "2,same,50,52", "3,other,60,60"], Twins(1, pytest.approx(1.5))),
        (["0,same,50,52", "1,same,52,50"], Twins(1, 0.0)),
        (["0,same,50,", "1,same,50,"], None),
    ],
)
def test_twins(rows: list[str], found: Twins | None, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["a,key,s0,s1", *rows]))
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["a"]\naccuracy = ["s0", "s1"]\nunit = "percent"\nkey = "key"\n'
    )
    table = open_table(read_settings(tmp_path / "t.toml"))
    assert twins(table, CandidateCache(table.space, Budgets(), table)) == found


def test_equal_options_of_different_decisions_are_different_networks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("op,kernel,window,s0\nconv,3,,50\npool,,3,60\n")
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["op", "kernel", "window"]\naccuracy = "s0"\nunit = "percent"\n'
        'when = { kernel = { op = ["conv"] }, window = { op = ["pool"] } }\n'
    )
    table = open_table(read_settings(tmp_path / "t.toml"))
    cache = CandidateCache(table.space, Budgets(), table)
    found = [cache.decode(decisions) for decisions in table.assignments()]
    assert [candidate and candidate.key for candidate in found] == ["op=conv|kernel=3", "op=pool|window=3"]
