"""How much of the budget networks use: nearly all where accuracy alone counts, less where smaller may be better."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.cli import run
from nascale.spec import SearchSpec
from results.studies import load
from space import around_budget
from space.around_budget import SHARES, WIDE_SHARES

ASKED = "search --data digits --epochs 1 --fraction 0.1 --max-macs 300K --workers 0 --stock none --repeats 0 --storage s.db --quiet"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def search(study: str, words: str) -> int:
    return run([*ASKED.split(), "--study", study, *words.split()])


def shares(study: str) -> tuple[tuple[float, ...], set[float]]:
    """(those that the space of the study has, those of its trials)."""
    stored = load(study, "s.db")
    options = dict(stored.space["decisions"])["share"]
    return tuple(options), {float(trial.decisions["share"]) for trial in stored.trials}


@pytest.mark.parametrize(
    ("keys", "small"),
    [
        ({}, False),
        ({"objective": "balanced_accuracy"}, False),
        ({"objective": "timed_accuracy"}, True),
        ({"objective": "accuracy,macs"}, True),
        ({"objective": "mnas", "target": "4M"}, True),
        ({"max_latency": "3ms"}, True),
    ],
)
def test_small_networks_may_win_where_more_than_accuracy_counts(keys: dict[str, str], small: bool) -> None:
    assert SearchSpec.of(max_macs="5M", **keys).small_may_win is small


def test_the_objective_says_how_small_networks_get() -> None:
    assert search("accurate", "--sampler random --trials 3") == 0
    assert search("traded", "--sampler random --trials 3 --objective accuracy,macs") == 0
    assert shares("accurate")[0] == SHARES
    assert shares("traded")[0] == WIDE_SHARES


def test_a_study_goes_on_with_the_options_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(around_budget, "SHARES", WIDE_SHARES)
        assert search("old", "--sampler random --trials 4") == 0
        assert search("whole", "--sampler random --trials 12") == 0
    assert search("old", "--sampler random --trials 12") == 0
    assert [t.key for t in load("old", "s.db").trials] == [t.key for t in load("whole", "s.db").trials]
    options, used = shares("old")
    assert options == WIDE_SHARES and min(used) < min(SHARES)


def test_what_another_objective_found_is_learned_as_far_as_the_space_has_it() -> None:
    assert search("traded", "--sampler random --trials 24 --objective accuracy,macs") == 0
    assert search("accurate", "--trials 2 --learn-from traded") == 0
    found = load("traded", "s.db").trials
    has = sum(float(trial.decisions["share"]) in SHARES for trial in found)
    kept = load("accurate", "s.db")
    assert 5 <= has < 24
    assert kept.attributes["learned_from:0"]["networks"] == has
    assert f"without {24 - has} that this space does not have" in kept.provenance["learned_from"]
