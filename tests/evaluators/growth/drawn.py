"""Pairs of networks of which one grew, the smaller with drawn weights and statistics that change what they touch."""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from evaluators.growth.growing import Grown, grow
from evaluators.network import Network, NormChannels, WeighChannels, build
from space.architecture import Architecture
from space.scaling import scale
from space.spaces import template

KINDS = ("mbconv", "bottleneck", "basic", "inception", "dense", "fused")


def drawn_network(architecture: Architecture, seed: int = 0) -> Network:
    """The network in evaluation mode: statistics of noise, then shifted, and scales and biases that are drawn.

    With drawn statistics alone a deep network would say the same of all images.
    """
    network = build(architecture, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for child in network.modules():
            if isinstance(child, nn.BatchNorm2d | NormChannels | WeighChannels):
                child.weight.normal_(1.0, 0.3, generator=generator)
            bias = getattr(child, "bias", None)
            if isinstance(bias, Tensor):
                bias.normal_(0, 0.3, generator=generator)
        norms = [child for child in network.modules() if isinstance(child, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        network.train()(noise(architecture, 8, seed))
        for norm in norms:
            assert norm.running_mean is not None and norm.running_var is not None
            shift = torch.randn(norm.num_features, generator=generator)
            norm.running_mean += 0.2 * shift * norm.running_var.sqrt()
            norm.running_var *= 0.5 + torch.rand(norm.num_features, generator=generator)
    return network.eval()


def noise(architecture: Architecture, count: int, seed: int) -> Tensor:
    side = architecture.resolution
    return torch.randn(
        count, architecture.in_channels, side, side, generator=torch.Generator().manual_seed(seed)
    )


def grown_network(
    smaller: Architecture, larger: Architecture, before: Network, seed: int = 0
) -> tuple[Network, Grown]:
    network = build(larger, seed=seed + 1)
    return network.eval(), grow(network, larger, smaller, before.state_dict(), seed=seed)


def difference(smaller: Architecture, larger: Architecture, seed: int = 0) -> tuple[float, Grown]:
    """The largest difference of two logits on noise, as a share of the largest where that is above 1; and how it grew."""
    before = drawn_network(smaller, seed)
    after, grown = grown_network(smaller, larger, before, seed)
    x = noise(smaller, 4, seed + 1)
    with torch.no_grad():
        wanted, came = before(x), after(x)
    assert wanted.std(0).max() > 0.01, "the network says the same of all images"
    return float((wanted - came).abs().max() / wanted.abs().max().clamp(min=1.0)), grown


def drawn_pairs(count: int, *, seed: int = 0) -> Iterator[tuple[str, Architecture, Architecture]]:
    """(kind, smaller, larger): random networks of each kind in turn, scaled by random factors up to 2.

    Inception blocks are made wider and not deeper: they cannot pass on what comes in.
    """
    rng = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        space = template(kind, (kind,), 16, 3, 7).search_space()
        smaller = space.decode(space.sample(rng))
        depth = 1.0 if kind == "inception" else rng.uniform(1, 2)
        yield kind, smaller, scale(smaller, depth=depth, width=rng.uniform(1, 2))
