"""The registry of scores at initialisation: every entry says what it is."""

from __future__ import annotations

from evaluators.init_scores.scores import BASELINES, INIT_SCORES


def test_every_score_says_what_it_measures_and_where_it_is_from() -> None:
    assert len(INIT_SCORES) >= 8 and not set(BASELINES) & set(INIT_SCORES)
    for name, score in INIT_SCORES.items():
        assert score.name == name and score.batches >= 1
        assert score.help and score.source
