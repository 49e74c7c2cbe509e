"""The share of a true front, by closed forms on fronts of a few points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.true_front import BEYOND, TrueFront

TWO = ("maximize", "minimize")
STEPS = [(0.5, 100.0), (0.7, 200.0), (0.9, 400.0)]
POINTS = st.lists(
    st.tuples(st.integers(0, 1000).map(lambda n: n / 1000), st.integers(1, 10**6).map(float)),
    min_size=1,
    max_size=12,
)


def test_the_reference_lies_a_tenth_of_the_extent_beyond_the_nadir() -> None:
    true = TrueFront.of([*STEPS, (0.1, 400.0), (0.65, 5e6)], TWO)
    assert true.members == 3  # dominated networks, however bad, do not move the reference
    assert true.reference == pytest.approx((0.5 - BEYOND * 0.4, math.log(400) + BEYOND * math.log(4)))
    assert true.costs == pytest.approx((400 * 4**BEYOND,))


def test_volume_and_shares_by_hand() -> None:
    true = TrueFront.of(STEPS, TWO)
    # Heights over 0.46; widths to log(400) + 0.2 log 2, in units of log 2.
    assert true.volume == pytest.approx((1 * 0.04 + 1 * 0.24 + 0.2 * 0.44) * math.log(2))
    assert true.share(STEPS) == pytest.approx(1)
    assert true.share(STEPS[:1]) == pytest.approx(2.2 * 0.04 / 0.368)
    assert true.share(STEPS[2:]) == pytest.approx(0.2 * 0.44 / 0.368)
    assert true.share([(0.45, 100.0), (0.9, 600.0)]) == 0  # beyond the reference on one axis each
    assert true.share([]) == 0


def test_costs_count_by_their_ratio() -> None:
    scaled = [(accuracy, 1e6 * cost) for accuracy, cost in STEPS]
    half = [(0.7, 200.0)]
    assert TrueFront.of(scaled, TWO).share([(0.7, 2e8)]) == pytest.approx(
        TrueFront.of(STEPS, TWO).share(half)
    )


def test_three_objectives() -> None:
    points = [(0.5, 1.0, math.e), (0.7, math.e, 1.0)]
    true = TrueFront.of(points, ("maximize", "minimize", "minimize"))
    assert true.reference == pytest.approx((0.48, 1.1, 1.1))
    # Boxes of 0.02 × 1.1 × 0.1 and 0.22 × 0.1 × 1.1, which share 0.02 × 0.1 × 0.1.
    assert true.volume == pytest.approx(0.02 * 0.11 + 0.22 * 0.11 - 0.0002)


def test_a_front_of_one_network_has_a_volume() -> None:
    true = TrueFront.of([(0.9, 100.0), (0.8, 200.0)], TWO)
    assert true.members == 1 and true.reference == pytest.approx((0.89, math.log(100) + 0.1 * math.log(2)))
    assert true.share([(0.9, 100.0)]) == pytest.approx(1)
    alone = TrueFront.of([(0.9, 100.0)], TWO)
    assert alone.share([(0.9, 100.0)]) == pytest.approx(1) and alone.share([(0.8, 200.0)]) == 0


def test_a_cost_of_nothing_counts_as_the_smallest_there_is() -> None:
    assert TrueFront.of([*STEPS, (0.5, 0.0)], TWO).reference == TrueFront.of(STEPS, TWO).reference
    assert TrueFront.of(STEPS, TWO).share([(0.5, -3.0)]) == TrueFront.of(STEPS, TWO).share([(0.5, 100.0)])


@given(POINTS, POINTS)
def test_no_subset_has_more_than_the_whole(
    first: list[tuple[float, float]], more: list[tuple[float, float]]
) -> None:
    true = TrueFront.of(first + more, TWO)
    share = true.share(first)
    assert 0 <= share <= 1 + 1e-9
    assert true.share(first + more) == pytest.approx(1)
    assert share <= true.share(np.array(first + more[:1])) + 1e-9
