"""How columns are labelled and their ticks chosen."""

from __future__ import annotations

import pytest

from results.plots.axes import axis, ticks


@pytest.mark.parametrize(
    ("column", "values", "label", "text"),
    [
        ("accuracy", [0.5, 0.912], "Validation accuracy (%)", "91.2 %"),
        ("macs", [1e6, 4.1e6], "MACs (M)", "4.1 M"),
        ("activation_bytes", [2e5], "Activation memory (kB)", "200 kB"),
        ("latency_seconds", [0.012], "Latency (ms)", "12 ms"),
        ("objective_reward", [0.5], "reward", "0.5"),
    ],
)
def test_axes_say_their_unit(column: str, values: list[float], label: str, text: str) -> None:
    made = axis(column, values)
    assert made.label == label
    assert made.text(values[-1]) == text


@pytest.mark.parametrize("logarithmic", [False, True])
def test_ticks_are_round_and_inside(logarithmic: bool) -> None:
    for low, high in ((0.7, 7.3), (1.0, 1.01), (3e3, 9e6), (55, 130)):
        marks = ticks(low, high, logarithmic)
        assert all(low <= m <= high for m in marks)
        assert len(marks) <= 8
        if high / low > 2:
            assert len(marks) >= 2
