"""The paper's grid of coefficients."""

from __future__ import annotations

from search.scaling.coefficient_grid import paper_grid


def test_the_papers_grid() -> None:
    grid = paper_grid()
    assert len(grid) == 111
    assert (1.2, 1.1, 1.15) in grid
    assert len(paper_grid(tolerance=0.1 - 1e-6)) == 109
    assert all(abs(a * b**2 * c**2 - 2) <= 0.1 + 1e-9 and min(a, b, c) >= 1 for a, b, c in grid)
    assert not any(c == 1.15 for _, _, c in paper_grid(step=0.1))
