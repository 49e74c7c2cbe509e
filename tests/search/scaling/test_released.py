"""The released coefficients against the formula, and the rules that could have made them."""

from __future__ import annotations

import pytest

from search.scaling.released import (
    Tolerance,
    best_phi,
    comparison,
    growths_with,
    implied_phis,
    least_tolerance,
    phi_interval,
    region,
)
from space.efficientnet_figures import RELEASED_NETWORKS
from space.scaling import PAPER, Coefficients
from space.zoo import architecture

B = RELEASED_NETWORKS[:9]
TOLERANCE = Tolerance()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        # Counted by hand: log d / log 1.2, log w / log 1.1, log(r / 224) / log 1.15.
        (1, (0.52, 0.0, 0.49)),
        (3, (1.85, 1.91, 2.09)),
        (7, (6.21, 7.27, 7.05)),
        (8, (7.03, 8.27, 7.86)),
    ],
)
def test_each_coefficient_implies_a_phi(index: int, expected: tuple[float, float, float]) -> None:
    assert implied_phis(B[index], PAPER) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("index", "expected"),
    [(1, (0.27, 0.51)), (2, (0.85, 1.22)), (3, (1.90, 2.03)), *((i, None) for i in range(4, 10))],
)
def test_only_b1_to_b3_follow_the_formula(index: int, expected: tuple[float, float] | None) -> None:
    found = phi_interval(RELEASED_NETWORKS[index], PAPER, TOLERANCE)
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found == pytest.approx(expected, abs=0.012)


def test_the_rules_that_explain_all_of_them() -> None:
    found = region(B, TOLERANCE)
    assert found is not None
    # A search by hand had found α 1.16–1.19, β 1.10–1.11, γ 1.15–1.16.
    for j, (least, most) in enumerate(((1.16, 1.19), (1.10, 1.11), (1.15, 1.16))):
        assert least < found.low[j] < found.high[j] < most
    assert found.coefficients.growth == pytest.approx(PAPER.growth)
    for network in B:
        assert phi_interval(network, found.coefficients, TOLERANCE) is not None
    assert not found.low[0] <= 1.2 <= found.high[0]


def test_alpha_of_1_2_needs_a_larger_growth() -> None:
    growths = growths_with(B, TOLERANCE, 1.2)
    assert growths is not None and growths[0] > 2
    # Any growth leads to the same rules, with φ measured in other steps.
    scaled = region(B, TOLERANCE, growths[0] + 0.01)
    assert scaled is not None and scaled.low[0] <= 1.2 <= scaled.high[0]


def test_the_region_agrees_with_a_scan() -> None:
    found = region(B, TOLERANCE)
    assert found is not None
    steps = [1.15 + 0.001 * i for i in range(50)]
    hits = []
    for alpha in steps:
        for beta in (1.09 + 0.001 * i for i in range(30)):
            gamma = (PAPER.growth / alpha / beta**2) ** 0.5
            rule = Coefficients(alpha, beta, gamma)
            if all(phi_interval(network, rule, TOLERANCE) for network in B):
                hits.append((alpha, beta, gamma))
    assert hits
    for j in range(3):
        values = [hit[j] for hit in hits]
        assert min(values) >= found.low[j] - 1e-9 and max(values) <= found.high[j] + 1e-9
        assert max(values) - min(values) > 0.4 * (found.high[j] - found.low[j])


def test_no_rule_within_four_pixels_nor_with_l2() -> None:
    assert region(B, Tolerance(0.05, 0.05, 4)) is None
    assert region(B, Tolerance(7.0, 7.0, 700.0)) is not None  # as large as the multipliers
    assert region(RELEASED_NETWORKS, TOLERANCE) is None
    factor = least_tolerance(B, TOLERANCE)
    assert region(B, TOLERANCE.times(factor)) is not None
    assert region(B, TOLERANCE.times(0.98 * factor)) is None


def test_the_comparison_holds_all_figures() -> None:
    rows = comparison(architecture("efficientnet_b0"), RELEASED_NETWORKS)
    assert all(row["golden"] for row in rows)
    assert [row["fits"] for row in rows] == [True] * 4 + [False] * 6
    assert [row["name"][-2:] for row in rows if row["rounds_to_print"] is False] == ["b1", "b4", "b5", "b7"]
    assert rows[4]["macs_off"] == pytest.approx(4.394 / 4.2 - 1, abs=1e-3)
    assert best_phi(B[0], PAPER, TOLERANCE) == rows[0]["phi"] == 0.0
