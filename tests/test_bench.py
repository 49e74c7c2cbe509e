"""The measurements under ``bench``: what is missing is named in one line, and ``make bench`` runs them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).resolve().parent.parent


def test_a_missing_library_is_named_with_its_extra(capsys: pytest.CaptureFixture[str]) -> None:
    bench.require("json")
    with pytest.raises(SystemExit) as ended:
        bench.require("json", "no_such_library")
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert told.err.startswith("error: no_such_library: not installed; the extra 'bench' brings it")
    assert told.err.count("\n") == 1 and told.out == ""


def test_cost_speed_says_so_before_it_measures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import cost_speed

    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        cost_speed.main(["--networks", "1"])
    assert ended.value.code == 2
    assert "fvcore" in capsys.readouterr().err


def test_make_bench_runs_every_measurement() -> None:
    listed = re.search(r"^BENCHES := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    # made_tables, fuzz, chaos, light_http and service_jobs measure nothing: one writes tables for nascale bench samplers, two look for faults, two
    # serve service_load. fidelity wants a study of long trainings, scaling_families a table, scaling_methods and search_worth
    # images that are not in the repository.
    there = {path.stem for path in (ROOT / "bench").glob("*.py")} - {
        "__init__",
        "made_tables",
        "fuzz",
        "chaos",
        "light_http",
        "service_jobs",
        "fidelity",
        "scaling_families",
        "scaling_methods",
        "search_worth",
    }
    assert set(listed[1].split()) == there
