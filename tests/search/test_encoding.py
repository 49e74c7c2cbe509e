"""Rows: completed and mutated ones are legal assignments."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.encoding import Encoding
from space.search_space import SearchSpace
from space.spaces import space
from tests.search.fakes import CONDITIONAL, FLAT

SPACES = [FLAT, CONDITIONAL, space("mixed", resolution=16)]


@pytest.mark.parametrize("searched", SPACES, ids=lambda s: s.name)
def test_drawn_and_mutated_rows_are_assignments(searched: SearchSpace) -> None:
    encoding, rng = Encoding(searched), np.random.default_rng(0)
    rows = encoding.complete(np.full((50, len(searched.decisions)), -1), rng)
    for row in [*rows, *encoding.mutate(rows, rng.integers(1, 4, 50), rng)]:
        assignment = encoding.assignment(row)
        assert searched.validate(assignment) == assignment
        assert (encoding.row(assignment) == row).all()


def test_as_many_decisions_change_as_asked_for() -> None:
    encoding, rng = Encoding(FLAT), np.random.default_rng(0)
    rows = encoding.complete(np.full((70, 5), -1), rng)
    changes = np.arange(70) % 7 + 1
    mutated = encoding.mutate(rows, changes, rng)
    assert ((mutated != rows).sum(axis=1) == np.minimum(changes, 5)).all()


def test_draws_are_uniform() -> None:
    encoding = Encoding(CONDITIONAL)
    rows = encoding.complete(np.full((6000, len(CONDITIONAL.decisions)), -1), np.random.default_rng(0))
    depth = np.bincount(rows[:, 0], minlength=3) / 6000
    assert depth == pytest.approx(np.full(3, 1 / 3), abs=0.03)
    drawn = random.Random(0)
    share = np.mean(["a.wide" in CONDITIONAL.sample(drawn) for _ in range(6000)])
    assert (rows[:, 3] >= 0).mean() == pytest.approx(share, abs=0.03)
