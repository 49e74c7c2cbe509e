"""Intervals of proportions: SciPy's as the oracle, closed forms, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from results.intervals import mean_proportion, paired_difference, proportion, wilson
from space.errors import InputError


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_proportion_is_scipys(counts: tuple[int, int]) -> None:
    found, wanted = proportion(*counts), binomtest(*counts).proportion_ci(0.95, method="wilson")
    assert found.low == pytest.approx(wanted.low, abs=1e-12) and found.high == pytest.approx(wanted.high)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_published_example() -> None:
    """Newcombe 1998, table I, method 3: 81 of 263 and 15 of 148."""
    for counts, low, high in (((81, 263), 0.2553, 0.3662), ((15, 148), 0.0624, 0.1605)):
        found = proportion(*counts)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_no_trials_say_nothing() -> None:
    low, high = wilson([0, 3], [0, 3])
    assert (low[0], high[0]) == (0, 1) and high[1] == 1 and low[1] < 0.5


@given(st.integers(0, 40))
def test_the_mean_of_one_proportion_is_that_proportion(successes: int) -> None:
    one, mean = proportion(successes, 40), mean_proportion([successes, 0], [40, 0])
    assert (mean.value, mean.low, mean.high) == pytest.approx((one.value, one.low, one.high))


def test_the_mean_of_equal_proportions_narrows_with_the_root_of_their_number() -> None:
    one, four = proportion(30, 40), mean_proportion([30] * 4, [40] * 4)
    assert four.value - four.low == pytest.approx((one.value - one.low) / 2)
    assert four.high - four.value == pytest.approx((one.high - one.value) / 2)


def test_classes_that_are_all_right_still_leave_doubt() -> None:
    sure = mean_proportion([12, 15], [12, 15])
    assert sure.value == sure.high == 1 and 0.8 < sure.low < 0.95


def test_the_interval_of_a_mean_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth, images = np.array([0.95, 0.9, 0.8, 0.6, 0.99]), np.array([12, 15, 30, 70, 10])
    held = 0
    for _ in range(1000):
        found = mean_proportion(rng.binomial(images, truth).tolist(), images.tolist())
        held += found.low <= truth.mean() <= found.high
    assert 0.93 <= held / 1000 <= 0.98


@pytest.mark.parametrize(
    ("successes", "trials", "level"), [(2, 1, 0.95), (-1, 1, 0.95), (1, 2, 0.0), (0, 0, 0.9)]
)
def test_what_is_no_proportion_is_refused(successes: int, trials: int, level: float) -> None:
    with pytest.raises(InputError):
        proportion(successes, trials, level)
    with pytest.raises(InputError):
        mean_proportion([successes], [trials], level)


def fourfold(both: int, mine: int, yours: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two answers with so many images that both have right, one alone each, and none."""
    first = np.repeat([True, True, False, False], [both, mine, yours, neither])
    second = np.repeat([True, False, True, False], [both, mine, yours, neither])
    return first, second


def test_a_published_paired_difference() -> None:
    """Newcombe 1998 (paired data), table II, method 10: the cells 36, 12, 2, 0 of 50."""
    found = paired_difference(*fourfold(36, 12, 2, 0))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=2e-3)


@given(st.tuples(*[st.integers(0, 200)] * 4).filter(any))
def test_a_paired_difference_is_antisymmetric_and_never_sure(cells: tuple[int, int, int, int]) -> None:
    one, other = fourfold(*cells)
    found, mirrored = paired_difference(one, other), paired_difference(other, one)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert found.low < found.high


def test_pairing_makes_the_interval_narrower_and_it_covers() -> None:
    rng = np.random.default_rng(0)
    hits, widths = 0, []
    for _ in range(400):
        hard = rng.random(300)
        noise = rng.random((2, 300)) < 0.1
        one, other = (hard < 0.80) ^ noise[0], (hard < 0.75) ^ noise[1]
        found = paired_difference(one, other)
        hits += found.low <= 0.04 <= found.high  # 0.05 of the images, of which noise takes a fifth
        widths.append(found.high - found.low)
    assert 0.92 <= hits / 400 <= 0.99
    apart = proportion(240, 300)
    assert np.mean(widths) < 1.41 * apart.width
    with pytest.raises(InputError, match="same ones"):
        paired_difference([True], [True, False])
