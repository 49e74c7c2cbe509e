"""What a study has measured of candidates."""

from __future__ import annotations

import pytest

from results.trial_result import Status, TrialResult
from search.scaling.candidate_space import decisions_for
from search.scaling.measurements import measured, pooled_deviation


def test_cache_hits_and_failures_are_not_counted() -> None:
    def result(
        number: int, label: str, status: Status, accuracy: float | None, by: int | None
    ) -> TrialResult:
        decisions = decisions_for(label, 0)
        return TrialResult(
            number=number, decisions=decisions, status=status, accuracy=accuracy, measured_by=by
        )

    results = [
        result(0, "base", Status.OK, 0.5, None),
        result(1, "depth only", Status.NAN, None, None),
        result(2, "same", Status.REUSED, 0.5, 0),
        result(3, "width only", Status.OK, 0.75, None),
    ]
    assert measured(results) == [("base", 0.5), ("width only", 0.75)]


def test_noise_is_pooled_within_candidates() -> None:
    assert pooled_deviation([("a", 0.5), ("b", 0.9)]) == 0
    assert pooled_deviation([("a", 0.5), ("a", 0.7), ("b", 0.9), ("b", 0.9)]) == pytest.approx(0.1)
