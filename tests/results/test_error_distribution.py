"""Distributions of errors: closed forms, and coverage of their bands and intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from results.error_distribution import ErrorDistribution
from results.plots.distribution import distribution_figure
from space.errors import InputError


def test_the_figures_of_ten_errors_by_hand() -> None:
    found = ErrorDistribution.of([0.1 * k for k in range(10, 0, -1)])
    assert found.quartiles == pytest.approx((0.325, 0.55, 0.775))
    assert found.share_below(0.35) == 0.3
    assert found.share_below(0.0) == 0.0 and found.share_below(1.0) == 1.0
    assert found.band(0.95) == pytest.approx(math.sqrt(math.log(40) / 20))
    row = found.figures()
    assert (row["networks"], row["best_error"], row["worst_error"]) == (10, 0.1, 1.0)
    assert row["median_low"] < row["median_error"] < row["median_high"]


def test_the_band_holds_the_whole_line_as_often_as_it_says() -> None:
    """Uniform errors: their distribution function is the identity."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        found = ErrorDistribution.of(rng.random(30))
        above = np.arange(1, 31) / 30 - found.errors
        below = found.errors - np.arange(30) / 30
        held += max(above.max(), below.max()) <= found.band(0.9)
    assert 0.88 <= held / 400 <= 0.97


def test_a_better_space_has_a_median_below() -> None:
    rng = np.random.default_rng(1)
    worse, better = (
        ErrorDistribution.of(rng.normal(0.5, 0.05, 60)),
        ErrorDistribution.of(rng.normal(0.4, 0.05, 60)),
    )
    above = better.median_above(worse)
    assert above.value == pytest.approx(-0.1, abs=0.03)
    assert above.low < above.value < above.high < 0
    same = worse.median_above(worse)
    assert same.value == 0 and same.low < 0 < same.high


@pytest.mark.parametrize("errors", [[], [0.5], [0.5, float("nan")]])
def test_what_is_no_distribution_is_refused(errors: list[float]) -> None:
    with pytest.raises(InputError, match="errors: wanted two or more numbers"):
        ErrorDistribution.of(errors)


def test_the_picture_names_every_space() -> None:
    spaces = {"one": ErrorDistribution.of([0.1, 0.2, 0.3]), "two": ErrorDistribution.of([0.2, 0.4])}
    figure = distribution_figure(spaces, title="Errors")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["one (3)", "two (2)"]
