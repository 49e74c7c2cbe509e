"""The registry of scores at initialisation: every entry says what it is, and the documentation lists it."""

from __future__ import annotations

from pathlib import Path

from evaluators.init_scores.scores import BASELINES, INIT_SCORES


def test_every_score_says_what_it_measures_and_where_it_is_from() -> None:
    assert len(INIT_SCORES) >= 8 and not set(BASELINES) & set(INIT_SCORES)
    page = (Path(__file__).resolve().parents[3] / "docs" / "evaluators.md").read_text(encoding="utf-8")
    for name, score in INIT_SCORES.items():
        assert score.name == name and score.batches >= 1
        assert f"| `{name}` | {score.help} ({score.source}) |" in page
