"""What the end allows to say, on closed forms and on made-up networks."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from nascale.auto_run.verdict import NO, UNDECIDED, YES, Longer, of_more_time, of_ranking, worth_it
from results.intervals import Difference


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.01, 0.05, YES), (-0.02, 0.04, UNDECIDED), (-0.05, -0.01, NO)]
)
def test_worth_it_is_what_the_interval_says(low: float, high: float, said: str) -> None:
    difference = Difference((low + high) / 2, low, high)
    assert worth_it(difference, stock_is_exported=False) == said
    assert worth_it(difference, stock_is_exported=True) == NO


def test_without_a_pair_nothing_is_decided() -> None:
    assert worth_it(None, stock_is_exported=False) == UNDECIDED


def right(count: int, of: int = 1000) -> np.ndarray:
    return np.arange(of) < count


def test_twice_the_time_goes_on_with_the_power_law() -> None:
    # An error that halves when the time is fourfold: twice the time takes a factor of the square root of two.
    found = of_more_time([Longer(10, 40, right(800), right(900))])
    assert found is not None
    assert found.value == pytest.approx(0.1 * (1 - 2**-0.5))
    assert found.low < found.value < found.high
    again = of_more_time([Longer(10, 40, right(800), right(900))] * 2)
    assert again is not None and again.value == pytest.approx(found.value)


def test_no_gain_so_far_promises_none() -> None:
    found = of_more_time([Longer(10, 40, right(900), right(900))])
    assert found is not None and found.value == 0 and found.low <= 0 <= found.high
    assert of_more_time([]) is None
    assert of_more_time([Longer(10, 10, right(1), right(2))]) is None
    perfect = of_more_time([Longer(1, 2, right(1000), right(1000))])
    assert perfect is not None and abs(perfect.value) < 1e-9 and log2(2) == 1


def test_the_ranking_needs_three_networks() -> None:
    assert of_ranking([1, 2], [1, 2]) is None
    found = of_ranking([1, 2, 3, 4], [1, 2, 3, 4])
    assert found is not None and found["kendall"] == 1 and found["networks"] == 4
