"""What several measurements say of networks: means, noise, the network that is named, and how sure that is."""

from __future__ import annotations

import dataclasses
from math import sqrt
from statistics import fmean, variance

import numpy as np
import pytest

from results.networks import Networks, Posterior, answer, leader, with_repeats
from results.trial_result import Status, TrialResult


def trial(number: int, accuracy: float | None, **others: object) -> TrialResult:
    known = {"status": Status.OK, "accuracy": accuracy, "key": f"k{number}", "values": (accuracy,)}
    return dataclasses.replace(TrialResult(number=number), **{**known, **others})  # type: ignore[arg-type]


TRIALS = [
    trial(0, 0.80),
    trial(1, 0.90),
    trial(2, 0.70),
    trial(3, 0.86, key="k1", repeat_of=1),
    trial(4, 0.84, key="k1", repeat_of=1),
    trial(5, 0.78, key="k0", repeat_of=0),
    trial(6, 0.80, key="k0", status=Status.REUSED, measured_by=0),
    trial(7, None, status=Status.PRUNED),
]


def test_means_and_the_pooled_noise_have_their_closed_forms() -> None:
    networks = Networks(trials=TRIALS)
    assert [first.number for first in networks.first] == [0, 1, 2]
    assert networks.counts == [2, 3, 1]
    assert networks.means == pytest.approx([0.79, fmean((0.90, 0.86, 0.84)), 0.70])
    pooled = (variance((0.80, 0.78)) + 2 * variance((0.90, 0.86, 0.84))) / 3
    assert networks.deviation == pytest.approx(sqrt(pooled))
    assert networks.error(1) == pytest.approx(sqrt(pooled / 3))


def test_every_trial_of_a_network_has_the_figures_of_all_its_measurements() -> None:
    found = with_repeats(TRIALS)
    assert [one.repeats for one in found] == [1, 2, 0, 2, 2, 1, 1, None]
    assert [one.accuracy_mean for one in found if one.key == "k0"] == pytest.approx([0.79] * 3)
    assert found[2].accuracy_mean == 0.70
    assert found[2].accuracy_sem == pytest.approx(Networks(trials=TRIALS).deviation)
    assert found[7].accuracy_mean is None
    assert [one.accuracy for one in found] == [one.accuracy for one in TRIALS]


def test_without_repeats_nothing_is_added_and_the_highest_is_named() -> None:
    once = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.7), trial(3, 0.9, feasible=False)]
    assert with_repeats(once) == tuple(once)
    found = answer(Networks(trials=once))
    assert found is not None
    assert (found.trial.number, found.accuracy, found.error, found.sentence()) == (1, 0.7, None, "")
    assert answer(Networks()) is None and leader(Networks()) is None


def test_a_lucky_measurement_does_not_beat_a_mean_of_many() -> None:
    """Of twenty networks one was measured eight times, and another once, a little better, with much noise."""
    rng = np.random.default_rng(3)
    trials = [trial(i, 0.60 + 0.01 * i) for i in range(20)]
    trials += [trial(20, 0.85), trial(21, 0.86)]
    trials += [trial(22 + i, 0.85 + 0.05 * float(rng.normal()), repeat_of=20) for i in range(7)]
    trials += [trial(30, 0.85 - 0.001, repeat_of=20)]
    networks = Networks(trials=trials)
    assert networks.means[20] < 0.86 or pytest.skip("the noise drawn here makes the point moot")
    assert leader(networks) == 20
    found = answer(networks)
    assert found is not None and found.low is not None and found.high is not None
    assert found.low < found.accuracy < found.high
    assert found.probability is not None and 0.3 < found.probability < 1
    assert "mean of 9" in found.sentence()


def test_the_posterior_of_equal_counts_keeps_the_order_and_draws_towards_the_median() -> None:
    scores = np.linspace(0.5, 0.9, 21)
    found = Posterior.of(scores, np.ones(21), np.full(21, 0.1))
    assert (np.diff(found.means) > 0).all()
    assert found.means[10] == pytest.approx(0.7)
    assert (np.abs(found.means - 0.7)[scores != 0.7] < np.abs(scores - 0.7)[scores != 0.7]).all()
    # τ² + σ² is the mean square above the median: what is kept of a difference is τ² / (τ² + σ²).
    total = float(((scores[10:] - 0.7) ** 2).mean())
    assert found.means[14] - 0.7 == pytest.approx(0.08 * (total - 0.01) / total)
    # No mean of several measurements is drawn further than by one standard error.
    far = Posterior.of(np.array([*scores, 5.0]), np.full(22, 4.0), np.full(22, 0.8), 1.0)
    assert far.means[-1] == pytest.approx(4.6)
    assert far.deviations[-1] == pytest.approx(0.4)


def test_a_network_that_diverges_in_a_repeat_is_named_only_if_there_is_no_other() -> None:
    trials = [trial(0, 0.9), trial(1, 0.8), trial(2, 0.8, repeat_of=1)]
    broken = trial(3, None, status=Status.NAN, repeat_of=0)
    lost = trial(3, None, status=Status.DIED, repeat_of=0)
    assert leader(Networks(trials=[*trials, broken])) == 1
    assert leader(Networks(trials=[*trials, lost])) == 0
    assert leader(Networks(trials=[trials[0], broken])) == 0


def test_rewards_and_balanced_accuracies_are_judged_by_their_own() -> None:
    """A reward: the second network is less accurate, but its cost makes it the better one."""
    cheap = [
        trial(0, 0.9, values=(0.45,)),
        trial(1, 0.8, values=(0.8,)),
        trial(2, 0.7, repeat_of=1, values=(0.7,)),
    ]
    networks = Networks(trials=cheap)
    assert networks.first[leader(networks) or 0].number == 1
    balanced = [trial(i, 0.9, balanced_accuracy=b, values=(b,)) for i, b in enumerate((0.5, 0.6))]
    assert leader(Networks("balanced_accuracy", balanced)) == 1
    timed = [trial(i, 0.9, timed_accuracy=t, values=(t,)) for i, t in enumerate((0.7, 0.8, 0.6))]
    assert leader(Networks("timed_accuracy", timed)) == 1
