"""Rank correlation against scipy, closed forms and what a bootstrap must do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluators.rank_correlation import (
    Interval,
    correlation_row,
    gain,
    kendall,
    noise_floor,
    rank_correlation,
    spearman,
    top_overlap,
)
from space.errors import InputError

pairs = st.lists(
    st.tuples(st.integers(-20, 20).map(float), st.integers(-20, 20).map(float)), min_size=4, max_size=30
)


@given(pairs)
def test_correlations_are_scipy_s_ties_included(points: list[tuple[float, float]]) -> None:
    x, y = (np.array(v) for v in zip(*points, strict=True))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert math.isnan(spearman(x, y)) and math.isnan(kendall(x, y))
    else:
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_a_perfect_proxy_and_its_reverse() -> None:
    truth = list(np.linspace(0.5, 0.9, 40))
    same = rank_correlation([10 * t for t in truth], truth)
    assert (same.spearman.value, same.kendall.value, same.top_overlap) == (1, 1, 1)
    assert same.spearman.low == pytest.approx(1)
    reverse = rank_correlation([-t for t in truth], truth)
    assert (reverse.spearman.value, reverse.top_overlap) == (-1, 0)


def test_the_interval_holds_the_population_s_correlation_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    rho = 0.7
    expected = 6 / math.pi * math.asin(rho / 2)  # Spearman's ρ of a bivariate normal
    hits = 0
    for trial in range(40):
        x = rng.normal(size=60)
        y = rho * x + math.sqrt(1 - rho**2) * rng.normal(size=60)
        found = rank_correlation(x, y, resamples=100, seed=trial).spearman
        hits += found.low <= expected <= found.high
    assert hits >= 33


def test_a_network_without_a_score_is_ranked_last() -> None:
    truth = [1.0, 2.0, 3.0, 4.0]
    assert rank_correlation([math.nan, 2, 3, 4], truth).spearman.value == 1
    assert rank_correlation([1, 2, 3, math.nan], truth).spearman.value < 0.5


def test_top_overlap_counts_the_best_tenth() -> None:
    y = np.arange(40.0)
    x = y.copy()
    x[[36, 37]] = 0
    assert top_overlap(x, y) == 0.5
    assert top_overlap(y[:5], y[:5]) == 1  # at least one network


def test_the_noise_floor_of_equal_runs_is_one_and_zero() -> None:
    run = [0.1, 0.2, 0.3, 0.4]
    noise = noise_floor([run, run])
    assert noise is not None
    assert (noise.spearman, noise.deviation) == (pytest.approx(1), 0)
    assert noise_floor([run]) is None
    moved = noise_floor([[0, 0, 1, 2], [2, 2, 3, 4]])
    assert moved is not None and moved.deviation == pytest.approx(math.sqrt(2))


def test_a_row_says_what_it_cost_and_what_failed() -> None:
    row = correlation_row("p", [[1, 2, math.nan, 4]], 2.0, [1, 2, 3, 4])
    assert row["failures"] == 1 and row["noise_spearman"] is None
    assert row["spearman_per_second"] == pytest.approx(row["spearman"] / 2)


@pytest.mark.parametrize(
    ("scores", "truth"), [([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([1, 2, 3], [1, 2, math.inf])]
)
def test_what_cannot_be_ranked_is_refused(scores: list[float], truth: list[float]) -> None:
    with pytest.raises(InputError):
        rank_correlation(scores, truth)


def test_a_gain_is_a_difference_on_the_same_networks() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    close, far = truth + 0.2 * rng.normal(size=60), truth + 1.5 * rng.normal(size=60)
    found = gain(close, far, truth, resamples=500)
    assert found.value == pytest.approx(
        stats.spearmanr(close, truth).statistic - stats.spearmanr(far, truth).statistic
    )
    assert 0 < found.low < found.value < found.high
    against = gain(far, close, truth, resamples=500)
    assert (against.value, against.low, against.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )
    # Two proxies that err alike differ by less than their own intervals suggest.
    twin = far + 0.01 * rng.normal(size=60)
    paired, alone = (
        gain(far, twin, truth, resamples=500),
        rank_correlation(far, truth, resamples=500).spearman,
    )
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    assert gain(far, far, truth, resamples=50) == Interval(0.0, 0.0, 0.0)
