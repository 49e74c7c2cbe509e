"""Estimates from fresh measurements: closed forms, slow integration against the fast one, symmetries, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from results import verification
from results.verification import verify
from space.errors import InputError


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_DRAWS", 2000)


def slow_share(y: np.ndarray, nodes: int = 90) -> float:
    """E[1 − σ²/λ] by brute force over σ², λ, κ, from the densities of the three sums of squares."""
    networks, seeds = y.shape
    rows, columns, grand = y.mean(axis=1), y.mean(axis=0), y.mean()
    between = seeds * ((rows - grand) ** 2).sum()
    among = networks * ((columns - grand) ** 2).sum()
    within = ((y - grand) ** 2).sum() - between - among
    freedom = (networks - 1) * (seeds - 1)
    noise = np.geomspace(within / freedom / 200, within / freedom * 200, nodes)
    of_networks, of_seeds = (
        np.geomspace(1, 1e4 * max(1, mean * freedom / within), nodes)
        for mean in (between / (networks - 1), among / (seeds - 1))
    )
    s, r, q = np.meshgrid(noise, of_networks, of_seeds, indexing="ij")

    def density(squares: float, variance: np.ndarray, df: int) -> np.ndarray:
        found: np.ndarray = stats.chi2.pdf(squares / variance, df) / variance
        return found

    # On logarithmic nodes the prior dσ²/σ² · dλ/λ is flat, and that of κ falls as σ²/κ.
    weight = density(within, s, freedom) * density(between, s * r, networks - 1)
    weight *= density(among, s * q, seeds - 1) / q
    return float((weight * (1 - 1 / r)).sum() / weight.sum())


@pytest.mark.parametrize(
    ("networks", "seeds", "spread"), [(2, 2, 1.0), (5, 3, 0.0), (5, 3, 1.0), (8, 2, 3.0)]
)
def test_the_shrinkage_is_that_of_the_model(networks: int, seeds: int, spread: float) -> None:
    rng = np.random.default_rng(networks)
    y = spread * rng.normal(size=(networks, 1)) + rng.normal(size=(networks, seeds))
    found = verify(y, np.arange(networks))
    kept = np.ptp(found.accuracies) / np.ptp(found.means)
    assert kept == pytest.approx(slow_share(y), abs=0.015)


measured = st.integers(2, 6).flatmap(
    lambda k: st.integers(2, 4).flatmap(
        lambda s: st.lists(
            st.lists(st.integers(0, 300).map(lambda hits: hits / 300), min_size=s, max_size=s),
            min_size=k,
            max_size=k,
        )
    )
)


@settings(max_examples=20)
@given(measured)
def test_estimates_lie_between_the_mean_of_all_and_their_own(rows: list[list[float]]) -> None:
    found = verify(rows, range(len(rows)), step=1 / 300)
    grand = found.means.mean()
    assert (np.abs(found.accuracies - grand) <= np.abs(found.means - grand) + 1e-12).all()
    assert (found.lows < found.highs).all()
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.means[found.best] == found.means.max()
    assert found.accuracies.mean() == pytest.approx(grand)


@settings(max_examples=10)
@given(measured, st.floats(-5, 5), st.floats(0.1, 10))
def test_another_zero_and_another_unit_change_nothing_else(
    rows: list[list[float]], zero: float, unit: float
) -> None:
    plain = verify(rows, range(len(rows)), step=1 / 300)
    other = verify(zero + unit * np.array(rows), range(len(rows)), step=unit / 300)
    for name in ("means", "accuracies", "lows", "highs"):
        assert getattr(other, name) == pytest.approx(zero + unit * getattr(plain, name), abs=1e-6)
    assert other.probabilities == pytest.approx(plain.probabilities, abs=1e-3)


def test_clear_differences_are_kept() -> None:
    noise = np.array([[-1e-4, 1e-4, 0.0], [1e-4, 0.0, -1e-4], [0.0, -1e-4, 1e-4]])
    found = verify(np.array([[0.9], [0.8], [0.7]]) + noise, [1, 3, 2])
    assert found.accuracies == pytest.approx([0.9, 0.8, 0.7], abs=1e-4)
    assert found.probabilities == pytest.approx([1, 0, 0])
    assert found.best == 0
    # Of the three pairs one agrees.
    assert (found.ranking.value, found.ranking.low, found.ranking.high) == pytest.approx((-1 / 3,) * 3)
    assert found.deviation == pytest.approx(1e-4)


def test_tied_scores_rank_nothing() -> None:
    rows = [[0.9, 0.901], [0.8, 0.801], [0.7, 0.701]]
    assert np.isnan(verify(rows, [1, 1, 1]).ranking.value)
    # τ-b with one tie among the scores: 2 / √(2 · 3).
    assert verify(rows, [2, 1, 1]).ranking.value == pytest.approx(2 / 6**0.5, abs=1e-3)


def test_pairing_by_seed_tells_networks_apart() -> None:
    """Seeds that differ by ten points hide nothing from a comparison with the same seeds, but widen each interval."""
    steps = 1e-3 * np.array([[0, 1, -1], [1, -1, 0], [-1, 0, 1], [0, -1, 1], [-1, 1, 0]])
    alone = np.array([[0.51], [0.5], [0.5], [0.5], [0.5]]) + steps
    shared = alone + np.array([0.0, 0.1, 0.2])
    found, widened = verify(alone, range(5)), verify(shared, range(5))
    assert min(found.probabilities[0], widened.probabilities[0]) > 0.95
    assert (widened.highs - widened.lows > 5 * (found.highs - found.lows)).all()


def test_equal_measurements_are_known_to_a_step() -> None:
    rows = np.full((4, 3), 0.75)
    exact = verify(rows, range(4))
    assert (exact.lows == 0.75).all() and (exact.highs == 0.75).all()
    assert exact.probabilities == pytest.approx([0.25] * 4)
    rounded = verify(rows, range(4), step=0.01)
    assert (rounded.lows < 0.75).all() and (rounded.highs > 0.75).all()
    assert (rounded.highs - rounded.lows < 0.01).all()


def test_factors_choose_the_best_but_leave_accuracies_alone() -> None:
    rows = [[0.9, 0.901, 0.899], [0.8, 0.801, 0.799]]
    plain, priced = verify(rows, [1, 2]), verify(rows, [1, 2], factors=[1.0, 2.0])
    assert (plain.best, priced.best) == (0, 1)
    assert (priced.accuracies == plain.accuracies).all()
    assert priced.probabilities == pytest.approx([0, 1])
    assert priced.ranking.value == pytest.approx(1)


def test_luck_is_the_score_above_the_mean_within_students_interval() -> None:
    rows = np.array([[0.90, 0.92, 0.94], [0.80, 0.81, 0.82]])
    luck = verify(rows, [0.95, 0.94], level=0.8).luck(0, 0.95)
    pooled = np.sqrt((rows[0].var(ddof=1) + rows[1].var(ddof=1)) / 2)
    low, high = stats.t.interval(0.8, 4, loc=0.03, scale=pooled / np.sqrt(3))
    assert (luck.value, luck.low, luck.high) == pytest.approx((0.03, low, high))


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_intervals_cover_and_the_winner_is_not_flattered(few_draws: None, spread: float) -> None:
    """Searches of 40 with noise of 1, of which the best five are measured three times each."""
    rng = np.random.default_rng(7)
    chosen, every, naive, corrected, best_mean = [], [], [], [], []
    for _ in range(300):
        truth = spread * rng.normal(size=40)
        scores = truth + rng.normal(size=40)
        top = np.argsort(-scores)[:5]
        truth, scores = truth[top], scores[top]
        found = verify(truth[:, None] + rng.normal(size=(5, 3)), scores)
        inside = (found.lows <= truth) & (truth <= found.highs)
        chosen.append(inside[found.best])
        every.append(inside.mean())
        naive.append(scores[0] - truth[0])
        corrected.append(found.accuracies[found.best] - truth[found.best])
        best_mean.append(found.means.max() - truth[found.means.argmax()])
    assert 0.85 <= np.mean(chosen) <= 0.95
    assert 0.85 <= np.mean(every) <= 0.97
    assert abs(np.mean(corrected)) < np.mean(naive) / 3
    assert abs(np.mean(corrected)) < np.mean(best_mean)


def test_the_same_numbers_give_the_same_result() -> None:
    rows = np.random.default_rng(1).normal(size=(5, 3))
    one, two = verify(rows, range(5)), verify(rows, range(5))
    assert (one.lows == two.lows).all() and (one.probabilities == two.probabilities).all()


@pytest.mark.parametrize(
    ("rows", "scores", "level", "message"),
    [
        ([[1.0, 2.0]], [1.0], 0.9, "measured: wanted finite numbers, two networks and two seeds"),
        ([[1.0], [2.0]], [1.0, 2.0], 0.9, "measured"),
        ([[1.0, float("nan")], [2.0, 1.0]], [1.0, 2.0], 0.9, "measured"),
        ([[1.0, 2.0], [2.0, 1.0]], [1.0], 0.9, "scores: wanted one for each of 2 networks"),
        ([[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0], 1.0, "level: wanted a probability between 0 and 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    rows: list[list[float]], scores: list[float], level: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        verify(rows, scores, level=level)
