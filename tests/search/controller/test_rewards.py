"""Rewards against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from results.trial_result import Status, TrialResult
from search.controller.rewards import RewardScale, score, values_of


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
