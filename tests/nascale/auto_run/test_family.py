"""The expected accuracies of a family: a law that holds exactly is found, noise widens the interval."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nascale.auto_run import family
from nascale.auto_run.family import ErrorLine
from results.intervals import Estimate
from space.codec import from_json
from space.cost import costs
from space.zoo import architecture

MACS = np.geomspace(1e6, 5e6, 20)


def test_a_law_without_noise_is_gone_on_with() -> None:
    line = ErrorLine.of(MACS, 1 - 30 * MACS**-0.4)
    assert line is not None and line.slope == pytest.approx(-0.4) and line.error < 1e-9
    found = line.predicted(Estimate(0.9, 0.9, 0.9), 2.0)
    assert found.value == pytest.approx(1 - 0.1 * 2**-0.4)
    assert found.low == pytest.approx(found.value) == found.high


def test_noise_and_few_images_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    line = ErrorLine.of(MACS, 1 - 30 * MACS**-0.4 * np.exp(rng.normal(0, 0.1, len(MACS))))
    assert line is not None
    sure, unsure = Estimate(0.9, 0.9, 0.9), Estimate(0.9, 0.88, 0.92)
    near, far = line.predicted(sure, 1.1), line.predicted(sure, 2.0)
    assert near.low < near.value < near.high and far.high - far.low > near.high - near.low
    wide = line.predicted(unsure, 2.0)
    assert wide.low < far.low and wide.high > far.high and wide.value == far.value
    assert line.predicted(Estimate(0.9, 0.88, 0.92), 1.0).value == pytest.approx(0.9)


@pytest.mark.parametrize("slope", [-0.5, -0.05, 0.0, 0.05, 0.5])
def test_a_larger_network_is_never_expected_to_be_worse(slope: float) -> None:
    line = ErrorLine(slope, 0.05, 20)
    found = [line.predicted(Estimate(0.8, 0.8, 0.8), factor) for factor in (0.5, 1.0, 2.0, 8.0)]
    for one, other in pairwise(found):
        assert one.value < other.value and one.high <= other.high + 1e-9
    assert found[1].value == pytest.approx(0.8) and found[3].low >= 0.8


def test_a_slope_that_is_sure_is_what_it_was() -> None:
    line = ErrorLine(-0.5, 0.05, 20)
    found = line.predicted(Estimate(0.8, 0.8, 0.8), 2.0)
    reach = 1.7247 * 0.05  # Student's t, 20 degrees of freedom, both sides 5 %
    assert found.value == pytest.approx(1 - 0.2 * 2**-0.5)
    assert [found.low, found.high] == pytest.approx(
        [1 - 0.2 * 2 ** (-0.5 + reach), 1 - 0.2 * 2 ** (-0.5 - reach)], abs=1e-5
    )


def test_a_slope_far_above_zero_counts_as_zero() -> None:
    found = ErrorLine(5.0, 0.05, 10_000).predicted(Estimate(0.8, 0.8, 0.8), 4.0)
    assert found.low == found.value == found.high == pytest.approx(0.8)


def test_of_a_slope_that_may_be_anything_the_half_below_zero_counts() -> None:
    """The median of the left half of Student's t is its lower quartile."""
    found = ErrorLine(0.0, 0.1, 1_000_000).predicted(Estimate(0.8, 0.8, 0.8), 4.0)
    assert found.value == pytest.approx(1 - 0.2 * 4 ** (-0.1 * 0.67449), abs=1e-6)


def test_too_few_networks_have_no_line() -> None:
    assert ErrorLine.of(MACS[:5], MACS[:5] / 1e7) is None
    assert ErrorLine.of(np.full(9, 1e6), np.linspace(0.5, 0.9, 9)) is None


def test_the_family_is_written_with_what_is_expected_of_it(tmp_path: Path) -> None:
    network = architecture("resnet18@width=0.12,resolution=32,classes=10")
    members = family.members(network)
    assert [one.cost / costs(network).macs for one in members] == pytest.approx([0.5, 2, 4, 8], rel=0.03)
    rows = family.write(
        tmp_path / "family", network, members, Estimate(0.8, 0.75, 0.85), ErrorLine(-0.3, 0.0, 9)
    )
    values = [row["predicted_accuracy"] for row in rows]
    assert values == sorted(values) and values[0] < 0.8 < values[1]
    for row in rows:
        assert costs(from_json((tmp_path / "family" / row["file"]).read_bytes(), "x")).macs == row["macs"]
    assert (tmp_path / "family" / "family.png").exists()
    unknown = family.write(tmp_path / "other", network, members[:1], Estimate(0.8, 0.75, 0.85), None)
    assert unknown[0]["predicted_accuracy"] is None


def test_a_step_without_a_network_of_its_own_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    network = architecture("resnet18@resolution=32")
    some = family.members(network, 32)
    assert len(some) == 4
    again = [some[0], some[1], some[1], some[3]]
    monkeypatch.setattr(family, "scaled", lambda *_, **__: again)
    assert family.members(network, 32) == [some[0], some[1], some[3]]
