"""Networks of cells where they are trained, scored and shared: operations without a part in the output are no obstacle."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from evaluators.init_scores.score import Batch
from evaluators.init_scores.scores import INIT_SCORES
from evaluators.network import build, loss_of, residual_norms
from space.architecture import Architecture, Stage
from space.blocks import CellReduction, Conv, Dense, GlobalPool, NormAct, cell_from_string
from space.lowering import lower

CELLS = {
    "all": "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
    "idle": "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "of zeros": "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|",
    "empty": "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|none~0|none~1|none~2|",
}


def network(name: str) -> Architecture:
    cell = cell_from_string(CELLS[name])
    stage = Stage((cell, CellReduction(6), cell))
    return Architecture(
        (Conv(4, activation=None),), (stage,), (NormAct(), GlobalPool(), Dense()), resolution=8, classes=3
    )


def images(count: int = 8) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(count, 3, 8, 8, generator=generator), torch.arange(count) % 3)


def logits(network: torch.nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = network.eval()(x)
    return found


@pytest.mark.parametrize("name", CELLS)
def test_every_score_at_initialisation_is_found(name: str) -> None:
    for score in INIT_SCORES.values():
        batches = [images(4)] * score.batches
        value = score.formula(build(network(name)).train(), batches)
        assert isinstance(value, float) and not math.isnan(value), score.name


@pytest.mark.parametrize("name", CELLS)
def test_the_live_network_gives_the_same_logits(name: str) -> None:
    made = network(name)
    ours, live = build(made), build(made.live())
    live.load_state_dict({key: ours.state_dict()[key] for key in live.state_dict()})
    x = images().x
    assert torch.equal(logits(ours, x), logits(live, x))
    assert ours.idle == (len(ours.state_dict()) > len(live.state_dict())) and not live.idle


def test_idle_parameters_have_no_gradient_and_the_others_have_one() -> None:
    made = build(network("idle")).train()
    batch = images()
    loss_of(made(batch.x), batch.y).backward()  # type: ignore[no-untyped-call]
    without = {name.split(".")[3] for name, p in made.named_parameters() if p.grad is None}
    assert without == {"e0"}


def test_no_term_of_a_cell_starts_at_zero() -> None:
    paths = set(residual_norms(lower(network("all"))))
    assert paths == {"stages.0.1.conv2.norm"}
