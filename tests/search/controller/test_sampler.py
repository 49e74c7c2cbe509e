"""The controller's parts against closed forms, and that it learns where random search does not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from results.trial_result import Status, TrialResult
from search.controller.critic import AGREEMENT, CAPACITY, CONSTANT, LIKENESS, NOISE, REACH, Critic
from search.controller.policy import Encoding
from search.controller.rewards import RewardScale, score, values_of
from search.controller.sampler import ControllerSampler, _added_volume
from search.settings import SearchSettings
from space.search_space import Decision, SearchSpace
from tests.search.fakes import CONDITIONAL, ShufflingPool, search

LONG = SearchSpace("long", tuple(Decision(f"d{i}", (0, 1, 2)) for i in range(12)))


def test_rewards_survive_an_outlier_and_can_be_undone() -> None:
    values = np.array([[0.9], [0.91], [0.92], [0.93], [-1e9]])
    scale = RewardScale.of(values)
    rewards = scale.apply(values)
    assert rewards.min() > -40 and np.ptp(rewards[:4]) > 1
    assert scale.undo(rewards) == pytest.approx(values, rel=1e-6)
    assert (np.argsort(rewards[:, 0]) == np.argsort(values[:, 0])).all()


def test_equal_values_give_finite_rewards() -> None:
    assert (RewardScale.of(np.ones((4, 1))).apply(np.ones((4, 1))) == 0).all()


def test_failures_count_as_the_worst() -> None:
    results = [
        TrialResult(number=0, status=Status.OK, values=(0.5,)),
        TrialResult(number=1, status=Status.FAILED),
        TrialResult(number=2, status=Status.OK, values=(0.2,)),
    ]
    assert values_of(results, 1)[:, 0].tolist() == [0.5, 0.2, 0.2]
    assert values_of(results[1:2], 2).tolist() == [[0.0, 0.0]]


def test_scores_go_from_worst_to_best() -> None:
    assert score(np.array([[3.0], [1.0], [2.0]])).tolist() == [1.0, 0.0, 0.5]
    # The last is dominated by both others.
    assert score(np.array([[3.0, 1.0], [1.0, 3.0], [0.0, 0.0]]))[2] == 0.0


def test_the_critic_equals_gaussian_process_regression_written_out() -> None:
    encoding, rng = Encoding(CONDITIONAL), random.Random(0)
    rows = np.array([encoding.row(CONDITIONAL.sample(rng)) for _ in range(12)])
    targets, asked = np.arange(12.0)[:, None] / 6, rows[:3]

    def covariance(a: np.ndarray, b: np.ndarray) -> float:
        agree = sum(x == y >= 0 for x, y in zip(a, b, strict=True))
        active = ((a >= 0).sum() + (b >= 0).sum()) / 2
        return float(CONSTANT + AGREEMENT * agree / active + LIKENESS * np.exp((agree - active) / REACH))

    known = np.array([[covariance(a, b) for b in rows] for a in rows]) + NOISE * np.eye(12)
    cross = np.array([[covariance(a, b) for b in rows] for a in asked])
    mean, uncertainty = Critic(encoding, rows, targets, rows[:0]).predict(asked)
    assert mean[:, 0] == pytest.approx(cross @ np.linalg.solve(known, targets[:, 0]))
    expected = CONSTANT + AGREEMENT + LIKENESS - np.diag(cross @ np.linalg.solve(known, cross.T))
    assert uncertainty == pytest.approx(np.sqrt(expected))


def test_networks_under_measurement_lower_the_uncertainty_and_keep_the_mean() -> None:
    encoding = Encoding(LONG)
    rng = random.Random(0)
    rows = np.array([encoding.row(LONG.sample(rng)) for _ in range(20)])
    targets = np.linspace(-1, 1, 15)[:, None]
    mean, uncertainty = Critic(encoding, rows[:15], targets, rows[:0]).predict(rows[15:])
    believed, less = Critic(encoding, rows[:15], targets, rows[15:17]).predict(rows[15:])
    assert believed == pytest.approx(mean) and (less < uncertainty).all()


def test_added_volume_of_a_point_is_its_own_rectangle() -> None:
    values = np.array([[0.0, 2.0], [1.0, 1.0], [2.0, 0.0]])
    added = _added_volume(values, np.array([[2.0, 2.0], [0.5, 0.5], [1.5, 0.5]]))
    # In units of the ranges (2, 2): the whole square less the front's quarter; dominated; half by quarter.
    assert added[0] == pytest.approx(0.75)
    assert added[1] < 0
    assert added[2] == pytest.approx(0.25 * 0.25)


@pytest.mark.parametrize("algorithm", ["controller", "controller-ppo"])
def test_it_finds_what_random_search_does_not(algorithm: str) -> None:
    def answer(candidate: object) -> float:
        options = list(candidate.decisions.values())  # type: ignore[attr-defined]
        return sum(options) / 24 - 0.1 * (options[0] == options[1])

    best = {}
    for name in (algorithm, "random"):
        rows = search(LONG, SearchSettings(sampler=name, trials=60, seed=1), ShufflingPool(answer))
        best[name] = max(row.values[0] for row in rows if row.values)
    assert best[algorithm] >= 0.9 > best["random"]


def test_what_it_looks_at_does_not_grow() -> None:
    sampler = ControllerSampler(LONG, 0)
    rng = random.Random(0)
    for number in range(3 * CAPACITY):
        decisions = LONG.sample(rng)
        sampler.begin(number, decisions)
        sampler._results.append(
            TrialResult(number=number, status=Status.OK, decisions=decisions, values=(rng.random(),))
        )
    assert len(sampler._view().rows) <= CAPACITY


def test_proposals_do_not_change_its_state() -> None:
    samplers = [ControllerSampler(CONDITIONAL, 5) for _ in range(2)]
    rng = random.Random(1)
    for number in range(20):
        decisions = CONDITIONAL.sample(rng)
        for sampler in samplers:
            sampler.begin(number, decisions)
            sampler.tell(
                TrialResult(number=number, status=Status.OK, decisions=decisions, values=(number / 20,))
            )
        stream = samplers[0].propose(number + 1)
        for _ in range(40):
            next(stream)
    assert next(samplers[0].propose(20)) == next(samplers[1].propose(20))
