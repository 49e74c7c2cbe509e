"""What stands behind the stages: linear layers, dropout, and the classifiers that exist in training only."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import Block, Chain, lower_chain
from space.graph import GraphBuilder
from space.operations import Dropout, Flatten, Linear, check_activation


@dataclass(frozen=True, slots=True)
class Drop(Block):
    """Dropout (Srivastava et al. 2014). A rate of 0 is no operation at all."""

    rate: float = 0.5

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._rate("rate")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return x if self.rate == 0 else g.add(Dropout(self.rate), x, name="dropout")

    def words(self) -> tuple[str, ...]:
        return (f"Dropout {self.rate:g}",)


@dataclass(frozen=True, slots=True)
class Dense(Block):
    """Fully connected layer, flattening what comes in; ``features=None`` means the network's classes."""

    features: int | None = None
    activation: str | None = None

    widths = ("features",)
    is_layer = False

    def check(self) -> None:
        if self.features is not None:
            self._positive("features")
        check_activation("Dense.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        if len(g.shape(x)) == 3:
            x = g.add(Flatten(), x, name="flatten")
        features = g.classes if self.features is None else self.features
        x = g.add(Linear(g.shape(x)[0], features), x, name="linear")
        return g.activation(x, self.activation)

    def words(self) -> tuple[str, ...]:
        return ("Linear",)


@dataclass(frozen=True, slots=True)
class Auxiliary(Block):
    """A classifier hung on the side of the network for training, its loss counted ``weight`` times.

    It passes its input on unchanged and is dropped at inference (Szegedy et al. 2014, §5). A feature map that is too
    small for it can therefore be used for inference, but not for training.
    """

    blocks: tuple[Block, ...]
    weight: float = 0.3

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._want("blocks", len(self.blocks) > 0, "at least one block")
        self._want("weight", self.weight > 0, "a positive loss weight")

    def lower(self, g: GraphBuilder, x: int) -> int:
        with g.scope("auxiliary"):
            g.auxiliary(lambda: lower_chain(g, x, self.blocks), self.weight)
        return x

    @property
    def chains(self) -> tuple[Chain, ...]:
        return (self.blocks,)

    def with_chains(self, chains: tuple[Chain, ...]) -> Auxiliary:
        (blocks,) = chains
        return self.changed(blocks=blocks)
