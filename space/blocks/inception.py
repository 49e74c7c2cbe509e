"""Parallel branches: the inception block, and chains of any blocks side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from space.blocks.base import Block, Chain, kernel_words, lower_chain
from space.graph import GraphBuilder
from space.operations import Concat, Pool2d, check_activation


@dataclass(frozen=True, slots=True)
class Inception(Block):
    """Four branches, concatenated (Szegedy et al. 2014): 1×1; 1×1→3×3; 1×1→``wide_kernel``; pool→1×1.

    ``wide_kernel`` is 5 in the paper and 3 in the batch-normalised networks that public implementations
    ship. ``norm=False`` gives the 2014 form, with biases and no normalisation.
    """

    conv1: int
    reduce3: int
    conv3: int
    reduce5: int
    conv5: int
    pool: int
    wide_kernel: int = 5
    norm: bool = True
    activation: str = "relu"

    widths = ("conv1", "reduce3", "conv3", "reduce5", "conv5", "pool")
    is_layer = True
    block_type = "inception"

    def check(self) -> None:
        self._positive("conv1", "reduce3", "conv3", "reduce5", "conv5", "pool")
        self._odd_kernel("wide_kernel")
        check_activation("Inception.activation", self.activation)

    @property
    def out_channels(self) -> int:
        return self.conv1 + self.conv3 + self.conv5 + self.pool

    def lower(self, g: GraphBuilder, x: int) -> int:
        def conv(y: int, channels: int, kernel: int, name: str) -> int:
            return g.conv_norm_act(y, channels, kernel, norm=self.norm, activation=self.activation, name=name)

        branches = (
            conv(x, self.conv1, 1, "conv1"),
            conv(conv(x, self.reduce3, 1, "reduce3"), self.conv3, 3, "conv3"),
            conv(conv(x, self.reduce5, 1, "reduce5"), self.conv5, self.wide_kernel, "conv5"),
            conv(g.add(Pool2d("max", (3, 3), (1, 1), (1, 1)), x, name="pool"), self.pool, 1, "project"),
        )
        return g.add(Concat(), *branches, name="concat")

    def words(self) -> tuple[str, ...]:
        branches = f"{self.conv1}+{self.conv3}+{self.conv5}+{self.pool}"
        return (f"Inception {branches}", f"wide {kernel_words(self.wide_kernel)}")


@dataclass(frozen=True, slots=True)
class Parallel(Block):
    """Chains of blocks side by side, concatenated; an empty chain passes the input through."""

    branches: tuple[tuple[Block, ...], ...]

    widths = ()
    is_layer = True

    def check(self) -> None:
        self._want("branches", len(self.branches) >= 2, "two or more branches")

    def lower(self, g: GraphBuilder, x: int) -> int:
        outputs = []
        for index, branch in enumerate(self.branches):
            with g.scope(f"branch{index + 1}"):
                outputs.append(lower_chain(g, x, branch))
        return g.add(Concat(), *outputs, name="concat")

    @property
    def chains(self) -> tuple[Chain, ...]:
        return self.branches

    def with_chains(self, chains: tuple[Chain, ...]) -> Parallel:
        return self.changed(branches=chains)

    @property
    def repeatable(self) -> bool:
        return all(block.keeps_size() for branch in self.branches for block in branch)

    def channel_fields(self) -> Iterator[tuple[int, int]]:
        for branch in self.branches:
            for block in branch:
                yield from block.channel_fields()
