"""Random erasing: rectangles of the areas and as often as asked for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.trainer.erasing import erased


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=40, deadline=None)
def test_what_is_lost_is_a_rectangle(height: int, width: int, channels: int, seed: int) -> None:
    x = torch.ones(3, channels, height, width)
    for image in erased(x, 1.0, torch.Generator().manual_seed(seed)):
        lost = image[0] == 0
        assert bool((image == image[:1]).all())
        rows, columns = lost.any(1), lost.any(0)
        assert torch.equal(lost, rows[:, None] & columns[None, :])
        for line in (rows, columns):
            places = line.nonzero()[:, 0]
            assert len(places) == int(places[-1] - places[0]) + 1


def test_areas_and_forms() -> None:
    x = torch.ones(2000, 1, 64, 64)
    lost = erased(x, 1.0, torch.Generator().manual_seed(0)) == 0
    area = lost.float().mean((1, 2, 3))
    assert float(area.min()) > 0.018 and float(area.max()) < 0.345
    assert float(area.mean()) == pytest.approx((0.02 + 1 / 3) / 2, abs=0.01)
    heights, widths = lost.any(3).sum((1, 2)), lost.any(2).sum((1, 2))
    form = widths / heights
    assert float(form.max()) < 3.3 * 1.1 and float(form.max()) > 2.8
    assert float(form.log().mean()) == pytest.approx(0, abs=0.06)
    centre = lost.float().mean(0)[0]
    assert float(centre[32, 32]) > 2 * float(centre[0, 0]) > 0  # anywhere that they fit


def test_the_share_of_images() -> None:
    x = torch.ones(1000, 1, 8, 8)
    generator = torch.Generator().manual_seed(0)
    changed = (erased(x, 0.25, generator) == 0).flatten(1).any(1)
    assert 200 < int(changed.sum()) < 300
    assert torch.equal(erased(x, 0.0, generator), x)
