"""What a measurement is worth, against simulated measurements and in limiting cases."""

from __future__ import annotations

import numpy as np
import pytest

from search.repeats.value import TIMES, expected_rise, proposal_value, repeat_values


def test_the_expected_rise_is_that_of_draws() -> None:
    rng = np.random.default_rng(0)
    for behind, deviation in ((0.0, 1.0), (0.5, 1.0), (2.0, 0.7), (-1.0, 0.5)):
        drawn = np.maximum(0, rng.normal(-behind, deviation, 400_000)).mean()
        assert float(expected_rise(np.array(behind), np.array(deviation))) == pytest.approx(drawn, abs=0.004)
    assert expected_rise(np.array([1.0, -1.0]), np.zeros(2)).tolist() == [0.0, 1.0]


def test_a_measurement_is_worth_what_it_moves_the_highest_mean_on_average() -> None:
    """One measurement of either of two networks, simulated by Bayes' rule."""
    means, deviations, noise = np.array([0.3, 0.0]), np.array([0.5, 1.0]), np.array([0.01, 0.01])
    values = repeat_values(means[None], deviations[None], noise)[0]
    rng = np.random.default_rng(1)
    for at in range(2):
        truth = rng.normal(means[at], deviations[at], 400_000)
        seen = truth + noise[at] * rng.standard_normal(len(truth))
        kept = deviations[at] ** 2 / (deviations[at] ** 2 + noise[at] ** 2)
        after = means[at] + kept * (seen - means[at])
        gain = np.maximum(after, means[1 - at]).mean() - 0.3
        # With next to no noise, further measurements add nothing: the first is worth most.
        assert values[at] == pytest.approx(gain, abs=0.004)


def test_several_measurements_count_where_one_changes_nothing() -> None:
    means, deviations = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    noise = np.array([2.0, 2.0])
    moves = 0.25 / np.sqrt(0.25 + noise[0] ** 2 / TIMES)
    each = expected_rise(np.full(len(TIMES), 1.0), moves) / TIMES
    assert each.argmax() > 0
    assert repeat_values(means, deviations, noise)[0] == pytest.approx(each.max())


def test_nothing_is_learned_of_a_network_that_is_known_alone_or_out_of_the_race() -> None:
    means = np.array([[1.0, 0.9, -np.inf], [-np.inf, 0.9, -np.inf]])
    deviations = np.array([[0.0, 0.1, 0.0], [0.0, 0.1, 0.0]])
    values = repeat_values(means, deviations, np.full(3, 0.1))
    assert values[0, 0] == 0 and values[0, 1] > 0 and values[0, 2] == 0
    assert values[1].tolist() == [0, 0, 0]
    assert repeat_values(np.array([[1.0]]), np.array([[1.0]]), np.ones(1)).tolist() == [[0.0]]


def test_a_proposal_is_worth_what_the_newer_half_brought_if_the_best_rises_as_a_logarithm() -> None:
    rising = 0.1 * np.log(np.arange(1, 401))
    assert proposal_value(rising) == pytest.approx(rising[-1] - rising[-2], rel=0.01)
    assert proposal_value(np.array([0.9, 0.1, 0.5, 0.6])) == 0
    # A place that the older half had no network for.
    assert proposal_value(np.array([-np.inf, -np.inf, 0.5, 0.7])) == pytest.approx(0.2 / (4 * np.log(2)))
