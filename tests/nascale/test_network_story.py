"""How a network came about, as its card tells it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluators.trained.run_folder import TrainedRun
from nascale.network_story import story_of
from results.studies import load
from tests.evaluators.trained.made_run import made_run
from tests.factories import stored_study


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainedRun:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/nascale", "export", "run"])
    return made_run(tmp_path / "run")


def test_a_trial_is_told_with_its_search(run: TrainedRun, database: str) -> None:
    url = stored_study(database, 20)
    found = run.write(spec={**run.spec, "arch": "digits:3"})
    story = story_of(found, url, "apache-2.0")
    assert story.before == ("nascale search --space mixed --sampler random --data digits --trials 40",)
    assert story.after == ("nascale export run",)
    assert story.licence == "apache-2.0"
    text = " ".join(story.sentences)
    measured = [trial for trial in load("digits", url).trials if trial.accuracy is not None]
    assert f"a search of 20 trials, of which {len(measured)} were measured" in text
    assert "Budgets of the search: macs at most 5.000M." in text
    accuracy = next(trial.accuracy for trial in measured if trial.number == 3)
    assert f"an accuracy of {accuracy:.4f}" in text


def test_a_study_that_is_gone_is_named(run: TrainedRun, database: str) -> None:
    url = stored_study(database, 1)
    story = story_of(run.write(spec={**run.spec, "arch": "gone:7"}), url, None)
    assert story.before == ()
    assert story.sentences == ("Trial 7 of the study `gone`.",)


@pytest.mark.parametrize("arch", ["mobilenet_v2@width=0.25", "net.json"])
def test_a_known_network_has_no_search(run: TrainedRun, arch: str) -> None:
    story = story_of(run.write(spec={**run.spec, "arch": arch}), None, None)
    assert story.before == story.sentences == ()
