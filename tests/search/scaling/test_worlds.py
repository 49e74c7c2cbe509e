"""The intervals of the loss law hold the truth about as often as they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.scaling_worlds import EPOCHS, MEASURED, outcomes, within
from search.scaling.star import star_candidates
from space.codec import from_json

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_nine_tenths_of_the_intervals_hold_the_truth() -> None:
    star = star_candidates(from_json((ROOT / "examples" / "small_mbconv.json").read_text(encoding="utf-8")))
    design = within(star, 106 * star[0].macs, (EPOCHS,))
    held = []
    for truth, fit in outcomes(design, range(60), MEASURED, 2.0):
        pairs = np.array(fit.budgets[-1].intervals, dtype=float)
        held.append((pairs[:, 0] - 1e-3 <= truth) & (truth <= pairs[:, 1] + 1e-3))
    # 180 intervals, three of a world together: the share deviates by about 3 points.
    assert 0.78 < np.mean(held) < 0.98
