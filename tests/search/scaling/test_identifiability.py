"""What few or one-sided points lead to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from search.scaling.law_fit import fit_law
from space.errors import InputError
from tests.search.scaling.published import EFFICIENTNET, points

FEW = "wanted 7 or more distinct networks.*got 4: 3 missing; none changes several dimensions at once"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (EFFICIENTNET[:4], FEW),
        ([(1, w, 1, 70 + w) for w in (1, 2, 3, 4, 5, 6, 7)], "got width alone: never varied are depth"),
        ([(1, 1, 1, 70)] * 9, "got none"),
    ],
)
def test_points_that_carry_no_law(rows: Sequence[tuple[float, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_law(points(rows))
