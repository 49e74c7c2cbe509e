"""How far a grown network is from its run is measured: nothing where it is the same function, and what was changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluators.growth.deviation import deviation
from evaluators.growth.growing import grow_from
from evaluators.network import build
from space.blocks import Dense
from space.scaling import scale
from tests.evaluators.test_training import NET
from tests.evaluators.trained.made_run import made_run


def test_the_same_function_and_one_that_was_changed(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", NET)
    images = run.images()
    larger = scale(NET, depth=2, width=1.5, resolution=16)
    network = build(larger, seed=3).train()
    assert grow_from(network, larger, run, images).notes == ()
    found = deviation(run, network, larger, images)
    assert found.same and found.images == len(images.validation) and network.training
    assert found.grown_accuracy == found.accuracy
    with torch.no_grad():
        network.get_parameter("head.2.linear.bias")[4] += 0.5
    changed = deviation(run, network, larger, images)
    assert not changed.same and changed.difference == pytest.approx(0.5, abs=1e-4)
    assert changed.logit == found.logit


def test_a_network_that_takes_no_images_of_the_runs_size_is_not_compared_there(tmp_path: Path) -> None:
    small = NET.replace(head=(Dense(),))
    run = made_run(tmp_path / "run", small)
    larger = small.replace(resolution=16)
    network = build(larger)
    assert grow_from(network, larger, run, run.images()).notes != ()
    found = deviation(run, network, larger, run.images())
    assert found.difference is found.grown_accuracy is None and not found.same
    assert 0 <= found.own_accuracy <= 1
