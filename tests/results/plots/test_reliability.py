"""The reliability diagram shows the bins of the calibration."""

from __future__ import annotations

import numpy as np

from results.calibration import Calibration
from results.plots.reliability import reliability_figure
from tests.results.test_classification import drawn


def test_bars_are_the_bins() -> None:
    logits, labels = drawn(200, 5)
    panels = [("as trained", Calibration.of(logits, labels)), ("hot", Calibration.of(logits, labels, 3.0))]
    figure = reliability_figure(panels, title="calibration")
    for column, (name, calibration) in enumerate(panels):
        upper, lower = figure.axes[2 * column : 2 * column + 2]
        full = calibration.counts > 0
        np.testing.assert_allclose([bar.get_height() for bar in upper.patches], calibration.right[full])
        assert [bar.get_height() for bar in lower.patches] == calibration.counts.tolist()
        assert upper.get_title(loc="left") == f"{name}: error {calibration.error:.3f}"
