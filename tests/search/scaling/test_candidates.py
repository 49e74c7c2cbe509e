"""Candidates have equal real MACs."""

from __future__ import annotations

import pytest

from search.scaling.candidates import ScalingCandidate
from space.cost import costs
from space.scaling.realised import multipliers
from tests.search.scaling.made_up import BASE


def test_candidates_have_equal_real_macs(grid: list[ScalingCandidate]) -> None:
    assert len(grid) == 4 + 111
    assert [c.kind for c in grid[:4]] == ["base", "depth", "width", "resolution"]
    for candidate in grid[1:]:
        assert costs(candidate.architecture).macs == candidate.macs
        assert candidate.macs == pytest.approx(2 * grid[0].macs, rel=0.02), candidate.label
    assert [c.competes for c in grid[:4]] == [False, True, True, True]
    assert multipliers(BASE, grid[1].architecture)[1:] == (1.0, 1.0)
    assert multipliers(BASE, grid[3].architecture)[:2] == (1.0, 1.0)
