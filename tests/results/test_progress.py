"""The series of a search against the definition, one prefix at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import pareto
from results.progress import best_so_far, hypervolume_so_far

VALUES = st.one_of(st.just(math.nan), st.floats(-9, 9))
DIRECTIONS = ["maximize", "minimize"]


@given(st.lists(VALUES, max_size=12), st.sampled_from(DIRECTIONS))
def test_the_best_so_far_is_the_best_of_each_prefix(values: list[float], direction: str) -> None:
    best = max if direction == "maximize" else min
    found = best_so_far(np.array(values), direction).tolist()
    for end, one in enumerate(found, 1):
        known = [v for v in values[:end] if not math.isnan(v)]
        assert one == best(known) if known else math.isnan(one)
    assert len(found) == len(values)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_the_hypervolume_so_far_is_that_of_each_prefix(drawn: list[tuple[float, float]]) -> None:
    points = np.array(drawn).reshape(-1, 2)
    reference = np.array([-9.0, 9.0])
    found = hypervolume_so_far(points, DIRECTIONS, reference)
    wanted = [pareto.hypervolume(points[:end], DIRECTIONS, reference) for end in range(1, len(points) + 1)]
    assert found == pytest.approx(wanted)


def test_without_a_reference_there_is_no_volume() -> None:
    assert np.isnan(hypervolume_so_far(np.ones((3, 2)), DIRECTIONS, np.array([np.nan, 1.0]))).all()
