"""The ranking of candidates, and who cannot be told from the winner."""

from __future__ import annotations

import pytest

from search.scaling.candidates import ScalingCandidate
from search.scaling.measurements import measured
from search.scaling.ranking import rank
from search.scaling.samplers import GridSampler
from tests.search.scaling.made_up import SEEDS, search


def test_the_ranking_names_who_ties(grid: list[ScalingCandidate]) -> None:
    sampler = GridSampler([c.label for c in grid], SEEDS)
    results, _ = search(grid, sampler, len(grid) * len(SEEDS), noise=1.0)
    ranking = rank(measured(results), grid)
    assert ranking.deviation == pytest.approx(0.01, rel=0.5)
    competing = [row for row in ranking.rows if row["kind"] != "base"]
    assert competing[0]["tied"] and sum(row["tied"] for row in competing) > 1
    assert sum(row["best_share"] for row in competing) == pytest.approx(1)
    for row in ranking.rows:
        assert row["low"] < row["accuracy"] < row["high"]


def test_a_search_that_has_trained_the_base_alone_has_a_ranking(grid: list[ScalingCandidate]) -> None:
    (row,) = rank([("base", 0.5), ("base", 0.6)], grid).rows
    assert (row["candidate"], row["accuracy"], row["best_share"]) == ("base", pytest.approx(0.55), None)
