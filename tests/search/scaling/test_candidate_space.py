"""Candidates and seeds as decisions."""

from __future__ import annotations

import pytest

from search.scaling.candidate_space import SeededKeys, candidate_space, decisions_for, label_of
from search.scaling.candidates import ScalingCandidate
from space.errors import InputError


def test_decisions_build_the_candidates_network(grid: list[ScalingCandidate]) -> None:
    space = candidate_space(grid, (0, 3))
    assert space.size == 2 * len(grid)
    decisions = decisions_for(grid[7].label, 3)
    assert space.validate(decisions) == decisions
    assert label_of(decisions) == grid[7].label
    assert space.decode(decisions).key == grid[7].architecture.key


def test_the_same_network_with_the_same_seed_is_the_same_training(grid: list[ScalingCandidate]) -> None:
    by_key: dict[str, list[str]] = {}
    for candidate in grid:
        by_key.setdefault(candidate.architecture.key, []).append(candidate.label)
    first, second, *_ = next(labels for labels in by_key.values() if len(labels) > 1)
    keys = SeededKeys.of(grid)
    assert keys.key(decisions_for(first, 0)) == keys.key(decisions_for(second, 0))
    assert keys.key(decisions_for(first, 0)) != keys.key(decisions_for(first, 1))


def test_studies_keep_the_name_of_the_decision_that_version_0_1_gave_it(grid: list[ScalingCandidate]) -> None:
    assert [decision.name for decision in candidate_space(grid, (0,)).decisions] == ["contender", "seed"]


def test_equal_labels_are_refused(grid: list[ScalingCandidate]) -> None:
    with pytest.raises(InputError, match="distinct labels"):
        candidate_space([grid[0], grid[0]], (0,))
