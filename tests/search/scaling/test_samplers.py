"""Searches over scaling candidates through the loop, with a made-up accuracy."""

from __future__ import annotations

from search.scaling.candidate_space import label_of
from search.scaling.candidates import ScalingCandidate, law_start
from search.scaling.measurements import fit_measured, measured
from search.scaling.ranking import rank
from search.scaling.samplers import GridSampler, LawSampler
from tests.search.scaling.made_up import BASE, SEEDS, search


def test_the_grid_trains_every_network_once_with_each_seed(grid: list[ScalingCandidate]) -> None:
    sampler = GridSampler([c.label for c in grid], SEEDS)
    results, evaluator = search(grid, sampler, len(grid) * len(SEEDS))
    networks = {c.architecture.key for c in grid}
    assert len(results) == len(grid) * len(SEEDS)
    assert len(evaluator.trained) == len(set(evaluator.trained)) == len(networks) * len(SEEDS)
    ranking = rank(measured(results), grid)
    assert len(ranking.rows) == len(networks)
    assert ranking.deviation == 0
    assert ranking.rows[0]["kind"] == "compound"
    assert ranking.lead is not None and ranking.lead[0] > 0


def test_the_law_needs_a_fraction_of_the_trainings(grid: list[ScalingCandidate]) -> None:
    first = law_start(BASE, 2.0)
    candidates = first + [
        c for c in grid[4:] if c.architecture.key not in {f.architecture.key for f in first}
    ]
    candidates = list({c.architecture.key: c for c in reversed(candidates)}.values())[::-1]
    sampler = LawSampler(candidates, [c.label for c in first], SEEDS, most=10, resamples=30)
    results, evaluator = search(candidates, sampler, 10 * len(SEEDS), noise=0.1)
    assert len(evaluator.trained) <= 10 * len(SEEDS)
    assert len({label_of(result.decisions) for result in results}) >= len(first)
    law = fit_measured(measured(results), candidates, 2.0, resamples=0)
    alpha, beta, gamma = law.coefficients
    # The made-up law wants depth, whose error falls fastest, to get the largest share of the budget's logarithm.
    assert alpha is not None and beta is not None and gamma is not None
    assert alpha > 1.1 and beta > 1.02 and gamma > 1.02
    again = LawSampler(candidates, [c.label for c in first], SEEDS, most=10, resamples=30)
    repeated, _ = search(candidates, again, 10 * len(SEEDS), noise=0.1)
    assert [r.decisions for r in repeated] == [r.decisions for r in results]


def test_a_narrow_interval_ends_the_law() -> None:
    first = law_start(BASE, 2.0)
    sampler = LawSampler(first, [c.label for c in first], SEEDS, most=99, narrow=1.1, resamples=10)
    results, _ = search(first, sampler, 99)
    assert len(results) == len(first) * len(SEEDS)
    assert sampler.stopped
