"""Densely connected networks."""

from __future__ import annotations

from functools import partial

from space.architecture import Stage
from space.blocks import Block, Conv, Dense, DenseLayer, GlobalPool, NormAct, Pool, Transition
from space.zoo.network import Parts, ZooNetwork


def _densenet(depths: tuple[int, ...], growth: int = 32) -> Parts:
    """Dense blocks of ``depths`` layers, each adding ``growth`` channels, with transitions between them."""
    stages = []
    for index, depth in enumerate(depths):
        blocks: tuple[Block, ...] = (DenseLayer(growth),) * depth
        stages.append(Stage(blocks if index == len(depths) - 1 else (*blocks, Transition())))
    stem = (Conv(2 * growth, 7, 2), Pool("max", 3, 2))
    return Parts(stem, tuple(stages), (NormAct(), GlobalPool(), Dense()))


NETWORKS = tuple(
    ZooNetwork(f"densenet{layers}", partial(_densenet, depths, growth), "Huang et al. 2017, arXiv:1608.06993")
    for layers, depths, growth in (
        (121, (6, 12, 24, 16), 32),
        (161, (6, 12, 36, 24), 48),
        (169, (6, 12, 32, 32), 32),
        (201, (6, 12, 48, 32), 32),
    )
)
