"""Fronts against their definitions, by a naive version, closed forms and properties."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import pareto
from space.errors import InputError

EXAMPLES = 2000 if os.environ.get("NASCALE_THOROUGH") else 100
# Few distinct values, so that ties are the rule; NaN and both infinities among them.
VALUES = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, float("inf"), float("-inf"), float("nan")])
FINITE = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0])


@st.composite
def clouds(draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES) -> tuple[np.ndarray, list[str]]:
    objectives = draw(st.integers(1, 4))
    rows = draw(st.lists(st.tuples(*[values] * objectives), max_size=24))
    directions = draw(st.lists(st.sampled_from(pareto.DIRECTIONS), min_size=objectives, max_size=objectives))
    return np.array(rows, dtype=float).reshape(-1, objectives), directions


def dominates(a: np.ndarray, b: np.ndarray, directions: list[str]) -> bool:
    """The definition, one comparison at a time."""
    better = [(x > y) if d == "maximize" else (x < y) for x, y, d in zip(a, b, directions, strict=True)]
    worse = [(x < y) if d == "maximize" else (x > y) for x, y, d in zip(a, b, directions, strict=True)]
    return any(better) and not any(worse)


def naive_front(points: np.ndarray, directions: list[str]) -> np.ndarray:
    known = [not np.isnan(p).any() for p in points]
    return np.array(
        [
            known[i] and not any(known[j] and dominates(q, p, directions) for j, q in enumerate(points))
            for i, p in enumerate(points)
        ],
        dtype=bool,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(clouds())
def test_front_agrees_with_the_definition(cloud: tuple[np.ndarray, list[str]]) -> None:
    points, directions = cloud
    assert pareto.front(points, directions).tolist() == naive_front(points, directions).tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(clouds(), st.randoms(use_true_random=False))
def test_front_does_not_depend_on_the_order_of_rows(cloud: tuple[np.ndarray, list[str]], rng: object) -> None:
    points, directions = cloud
    order = list(range(len(points)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    assert (
        pareto.front(points[order], directions).tolist() == pareto.front(points, directions)[order].tolist()
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(clouds())
def test_ranks_are_fronts_of_what_is_left(cloud: tuple[np.ndarray, list[str]]) -> None:
    points, directions = cloud
    expected = np.zeros(len(points), dtype=int)
    left = ~np.isnan(points).any(axis=1)
    rank = 0
    while left.any():
        rank += 1
        members = np.zeros(len(points), dtype=bool)
        members[left] = naive_front(points[left], directions)
        expected[members] = rank
        left &= ~members
    assert pareto.ranks(points, directions).tolist() == expected.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(clouds(), st.data())
def test_growth_never_falls_and_ends_at_the_hypervolume(
    cloud: tuple[np.ndarray, list[str]], data: st.DataObject
) -> None:
    points, directions = cloud
    reference = data.draw(st.lists(FINITE, min_size=len(directions), max_size=len(directions)))
    volumes = pareto.growth(points, directions, reference)
    assert (np.diff(volumes[np.isfinite(volumes)]) >= 0).all()
    for n in range(1, len(points) + 1):
        expected = pareto.hypervolume(points[:n], directions, reference)
        assert volumes[n - 1] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=EXAMPLES, deadline=None)
@given(clouds(FINITE))
def test_hypervolume_agrees_with_counting_cells(cloud: tuple[np.ndarray, list[str]]) -> None:
    points, directions = cloud
    reference = [3.0 if d == "minimize" else -1.0 for d in directions]
    low = points * np.where([d == "maximize" for d in directions], -1, 1)
    ref = np.array([3.0 if d == "minimize" else 1.0 for d in directions])
    # Every coordinate is a multiple of 1/4 between -3 and 3: count the cells of that grid which some point covers.
    cells = [np.arange(-3, r, 0.25) for r in ref]
    covered = (
        sum(any((p <= corner).all() for p in low) for corner in product(*cells)) if len(ref) <= 2 else None
    )
    if covered is not None:
        assert pareto.hypervolume(points, directions, reference) == pytest.approx(covered * 0.25 ** len(ref))


def test_hypervolume_of_a_staircase() -> None:
    steps = [(1, 3), (2, 2), (3, 1)]  # to be minimised, from (4, 4): 3 + 2 + 1 unit columns
    assert pareto.hypervolume(steps, ["minimize", "minimize"], (4, 4)) == 6
    raised = [(-x, y) for x, y in steps]
    assert pareto.hypervolume(raised, ["maximize", "minimize"], (-4, 4)) == 6
    assert pareto.hypervolume([*steps, (5, 5), (4, 0)], ["minimize", "minimize"], (4, 4)) == 6
    assert pareto.hypervolume([(1, float("-inf"))], ["minimize", "minimize"], (4, 4)) == float("inf")
    assert pareto.hypervolume([], ["minimize", "minimize"], (4, 4)) == 0


def test_knee_bulges_towards_the_ideal() -> None:
    points = [(0.0, 1.0), (0.2, 0.3), (0.5, 0.25), (1.0, 0.0)]
    assert pareto.knee(points, ["minimize", "minimize"]) == 1
    # Units do not matter: the same in accuracy against mega-MACs.
    scaled = [(1e6 * x, 1 - y / 10) for x, y in points]
    assert pareto.knee(scaled, ["minimize", "maximize"]) == 1
    assert pareto.knee([(1.0, 1.0)], ["minimize", "minimize"]) == 0
    assert pareto.knee([(np.nan, 1.0)], ["minimize", "minimize"]) is None


def test_crowding_of_evenly_spaced_points() -> None:
    line = [(float(i), 4.0 - i) for i in range(5)]
    distance = pareto.crowding(line, ["minimize", "minimize"])
    assert distance.tolist() == [np.inf, 1.0, 1.0, 1.0, np.inf]  # (2/4) in each of two objectives


def test_worst_leaves_infinities_out() -> None:
    points = [(0.5, 10.0), (0.9, np.inf), (np.nan, 30.0)]
    assert pareto.worst(points, ["maximize", "minimize"]).tolist() == [0.5, 30.0]


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="directions"):
        pareto.front([(1.0,)], ["up"])
    with pytest.raises(InputError, match="2 objectives"):
        pareto.front([(1.0,)], ["minimize", "minimize"])
    with pytest.raises(InputError, match="reference"):
        pareto.hypervolume([(1.0, 1.0)], ["minimize", "minimize"], (1.0,))
