"""Fits and candidates that several tests use."""

from __future__ import annotations

import pytest

from search.scaling.candidates import ScalingCandidate, grid_candidates
from search.scaling.coefficient_grid import paper_grid
from search.scaling.law_fit import LawFit, fit_law
from tests.search.scaling.made_up import BASE
from tests.search.scaling.published import EFFICIENTNET, points


@pytest.fixture(scope="session")
def one_curve() -> LawFit:
    """B0–B7 alone: nothing off the compound curve."""
    return fit_law(points([*EFFICIENTNET[5:], (1, 1, 1, 77.11)]), resamples=60)


@pytest.fixture(scope="session")
def grid() -> list[ScalingCandidate]:
    """The candidates of the paper's grid, for a small network."""
    return grid_candidates(BASE, paper_grid(), 2.0)
