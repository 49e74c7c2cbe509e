"""The picture of a training draws what its metrics hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.trainer.epoch_metrics import as_csv
from results.plots.training import draw, training_figure
from results.training_curves import read_metrics
from tests.evaluators.trainer.test_epoch_metrics import averaged, row

KEPT = {"epoch": 2, "accuracy": 0.75}


def test_lines_are_the_columns_that_have_values(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(
        as_csv([row(1, 0.5, 0.9, **averaged(0.4, 1.2)), row(2, 0.75, 0.7, **averaged(0.7, 0.8))])
    )
    figure = training_figure(read_metrics(path), title="net", kept=KEPT)
    losses, accuracies = figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in losses.lines}
    assert drawn == {
        "training": [2.0, 2.0],
        "validation": [0.9, 0.7],
        "validation, averaged weights": [1.2, 0.8],
    }
    assert list(accuracies.lines[0].get_ydata()) == [50, 75]
    assert [list(accuracies.lines[2].get_xdata()), list(accuracies.lines[2].get_ydata())] == [[2], [75]]
    path.write_bytes(as_csv([row(1, 0.5)]))
    assert len(training_figure(read_metrics(path), title="net").axes[0].lines) == 2


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_file_is_written(tmp_path: Path, suffix: str) -> None:
    rows = [vars(row(epoch, 0.5)) for epoch in (1, 2)]
    path = draw(rows, tmp_path / f"curves.{suffix}", title="net", kept=KEPT)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
    if suffix == "svg":
        assert b"kept: epoch 2, validation accuracy 75.0 %" in content
