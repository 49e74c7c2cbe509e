"""The prior mean: its regression against the textbook's formula, and what becomes of a study that misleads."""

from __future__ import annotations

import numpy as np
import pytest

from search.encoding import Encoding, Floats, Ints
from search.transfer.experience import Experience
from search.transfer.prior_mean import CONSTANT, DOUBT, LEAST_NOISE, RELATED, PriorMean, regression
from space.search_space import Decision, SearchSpace

SPACE = SearchSpace("s", tuple(Decision(f"d{i}", ("a", "b", "c")) for i in range(8)))
ENCODING = Encoding(SPACE)


def task(seed: int) -> np.ndarray:
    """One weight for each option."""
    return np.random.default_rng(seed).normal(size=(8, 3))


def scores(weights: np.ndarray, rows: Ints) -> Floats:
    found = weights[np.arange(8), rows].sum(axis=1)
    return np.asarray(found / np.sqrt((weights**2).sum() / 3))


def rows(seed: int, count: int) -> Ints:
    return np.random.default_rng(seed).integers(0, 3, (count, 8))


def experience(weights: np.ndarray, seed: int) -> Experience:
    drawn = rows(seed, 120)
    return Experience("s", drawn, scores(weights, drawn))


def test_without_results_of_its_own_a_search_believes_in_the_studies() -> None:
    found = regression(np.zeros((0, 2)), np.zeros(0))
    assert found == pytest.approx([0, RELATED / 2, RELATED / 2])


def test_its_weights_solve_the_normal_equations() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(400, 2))
    targets = 0.7 + features @ [1.4, -0.5]  # no noise is left: the least that is assumed remains
    design = np.column_stack([np.ones(400), features])
    precision = np.diag([1 / CONSTANT, DOUBT**-2, DOUBT**-2])
    prior = [0, RELATED / 2, RELATED / 2]
    wanted = np.linalg.solve(
        LEAST_NOISE * precision + design.T @ design, LEAST_NOISE * precision @ prior + design.T @ targets
    )
    assert regression(features, targets) == pytest.approx(wanted)
    assert wanted == pytest.approx([0.7, 1.4, -0.5], abs=0.01)


def test_of_two_studies_the_related_one_gets_the_weight() -> None:
    own, other = task(1), task(2)
    prior = PriorMean(ENCODING, [experience(other, 3), experience(own, 4)])
    measured = rows(5, 30)
    weights = prior.weights(measured, scores(own, measured))
    assert weights[2] > 0.6 > 0.3 > abs(weights[1])


def test_what_a_related_study_expects_is_right_and_a_misleading_one_is_soon_left_aside() -> None:
    own = task(1)
    unseen, few = rows(8, 300), rows(9, 12)
    related = PriorMean(ENCODING, [experience(own, 6)]).given(few, scores(own, few))(unseen)
    assert np.corrcoef(related, scores(own, unseen))[0, 1] > 0.9
    misleading = PriorMean(ENCODING, [experience(-own, 7)])
    assert misleading.weights(few, scores(own, few))[1] < -0.3
