"""Rewards against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from search.controller.rewards import RewardScale


def test_rewards_survive_an_outlier_and_can_be_undone() -> None:
    values = np.array([[0.9], [0.91], [0.92], [0.93], [-1e9]])
    scale = RewardScale.of(values)
    rewards = scale.apply(values)
    assert rewards.min() > -40 and np.ptp(rewards[:4]) > 1
    assert scale.undo(rewards) == pytest.approx(values, rel=1e-6)
    assert (np.argsort(rewards[:, 0]) == np.argsort(values[:, 0])).all()


def test_equal_values_give_finite_rewards() -> None:
    assert (RewardScale.of(np.ones((4, 1))).apply(np.ones((4, 1))) == 0).all()
