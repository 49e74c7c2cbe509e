"""The gain of a front, against the library's hypervolume."""

from __future__ import annotations

import numpy as np
import pytest

from results.pareto import front, hypervolume
from search.controller.critics import rewards_of
from search.controller.front_gain import added_volume
from search.history import View


@pytest.mark.parametrize("objectives", [2, 3])
def test_added_volume_is_the_difference_of_hypervolumes(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    directions, zero = ["maximize"] * objectives, np.zeros(objectives)
    members = rng.random((12, objectives))
    members = members[front(members, directions)]
    points = rng.uniform(-0.2, 1.2, (60, objectives))
    own = hypervolume(members, directions, zero)
    added = added_volume(members, points)
    for point, found in zip(points, added, strict=True):
        whole = hypervolume(np.vstack([members, np.maximum(point, 0)]), directions, zero)
        assert max(found, 0) == pytest.approx(whole - own, abs=1e-9)
        assert (found > 0) == (whole - own > 1e-12)


def test_costs_are_rewarded_by_their_logarithm() -> None:
    values = np.array([[0.5, -1.0], [0.6, -10.0], [0.7, -100.0]])
    rewards = rewards_of(View(np.zeros((3, 1), dtype=np.int64), values))
    assert rewards[1, 1] == 0 and rewards[0, 1] == pytest.approx(np.expm1(-rewards[2, 1]))
