"""The statistics of normalisations against those that torch gathers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evaluators.network import build
from evaluators.supernet.statistics import estimate_statistics
from evaluators.supernet.weights import SharedWeights
from evaluators.training import TrainEvaluator
from evaluators.validation import accuracy_of
from tests.evaluators.supernet.tiny import CPU, network


def test_statistics_are_those_of_torch_in_training_mode(trainer: TrainEvaluator) -> None:
    """The slow way: a network of its own, norms with a cumulative average, batches in training mode."""
    architecture = network(3, 12, 2)
    shared = SharedWeights(0, CPU, zero_last_norm=False)
    ours = shared.network(architecture).eval()
    norms = [m for m in ours.modules() if isinstance(m, nn.BatchNorm2d)]
    images = trainer.split("train", 8, CPU)
    estimate_statistics(ours, norms, images, 100)

    reference = build(architecture, seed=0)
    values = {name: p.data for name, p in ours.named_parameters()}
    reference.load_state_dict(values, strict=False)
    theirs = [m for m in reference.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in theirs:
        norm.momentum = None
    reference.train()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:100]
    with torch.no_grad():
        reference(images.batch(order)[0])
    for mine, norm in zip(norms, theirs, strict=True):
        assert mine.running_mean is not None and norm.running_mean is not None
        torch.testing.assert_close(mine.running_mean, norm.running_mean)
        assert mine.running_var is not None and norm.running_var is not None
        torch.testing.assert_close(mine.running_var, norm.running_var)
    validation = trainer.split("validation", 8, CPU)
    assert accuracy_of(ours, validation, CPU) == pytest.approx(
        accuracy_of(reference, validation, CPU), rel=1e-4
    )


def test_statistics_of_several_batches_are_their_mean_and_nothing_is_dropped(trainer: TrainEvaluator) -> None:
    net = SharedWeights(0, CPU).network(network(drop=0.9)).eval()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    images = trainer.with_recipe(fraction=1.0).split("train", 8, CPU)
    estimate_statistics(net, norms, images, 600)  # two batches of 300
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:600]
    with torch.no_grad():
        first = net.get_submodule("stem.0.conv")(images.batch(order)[0])
    means = torch.stack([part.mean((0, 2, 3)) for part in first.tensor_split(2)])
    assert norms[0].running_mean is not None
    torch.testing.assert_close(norms[0].running_mean, means.mean(0))
