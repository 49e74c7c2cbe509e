"""The average of the weights over the steps, against the sum written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evaluators.network import build
from evaluators.trainer.weight_average import WeightAverage
from space.zoo import architecture

SMALL = architecture("mobilenet_v2@width=0.25,resolution=32,classes=10")


def test_the_average_is_the_weighted_sum_of_what_was_seen() -> None:
    network = nn.Linear(1, 1, bias=False)
    seen = [1.0, 5.0, -2.0, 7.0]
    nn.init.constant_(network.weight, seen[0])
    average = WeightAverage(network, 0.25)
    expected = seen[0]
    for t, value in enumerate(seen[1:], 1):
        nn.init.constant_(network.weight, value)
        average.update()
        decay = min(0.25, (1 + t) / (10 + t))  # 2/11 for the first update, then 3/12, then the decay itself
        expected = decay * expected + (1 - decay) * value
    assert float(average.module.weight) == pytest.approx(expected, rel=1e-6)


def test_statistics_of_norms_are_averaged_and_counters_copied() -> None:
    network = build(SMALL)
    average = WeightAverage(network, 0.9)
    network.train()(torch.randn(4, 3, 32, 32))
    norm = next(n for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d))
    average.update()
    now = network.state_dict()[f"{norm}.running_mean"]
    kept = average.module.state_dict()
    torch.testing.assert_close(kept[f"{norm}.running_mean"], now * (1 - 2 / 11))
    assert int(kept[f"{norm}.num_batches_tracked"]) == 1
    assert not average.module.training and network.training
    assert not any(p.requires_grad for p in average.module.parameters())


def test_an_average_goes_on_from_its_state() -> None:
    def moved(network: nn.Module, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in network.parameters():
                p.add_(torch.randn(p.shape, generator=generator))

    network = build(SMALL)
    straight = WeightAverage(network, 0.99)
    for seed in range(4):
        moved(network, seed)
        straight.update()

    network = build(SMALL)
    first = WeightAverage(network, 0.99)
    for seed in range(2):
        moved(network, seed)
        first.update()
    second = WeightAverage(network, 0.99)
    second.load_state_dict(first.state_dict())
    for seed in range(2, 4):
        moved(network, seed)
        second.update()
    assert second.updates == straight.updates == 4
    for name, tensor in straight.module.state_dict().items():
        assert torch.equal(tensor, second.module.state_dict()[name]), name
