"""Blocks of a single operation or two: normalisations, non-linearities, pools."""

from __future__ import annotations

from dataclasses import dataclass

from space.blocks.base import Block, kernel_words, stride_words
from space.graph import GraphBuilder, pair
from space.operations import AdaptiveAvgPool, LocalResponse, Pool2d, check_activation


@dataclass(frozen=True, slots=True)
class NormAct(Block):
    """Batch normalisation and a non-linearity (what closes a pre-activation network)."""

    activation: str | None = "relu"

    widths = ()
    is_layer = False

    def check(self) -> None:
        check_activation("NormAct.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.activation(g.norm(x), self.activation)


@dataclass(frozen=True, slots=True)
class Activate(Block):
    """A bare non-linearity."""

    function: str = "relu"

    widths = ()
    is_layer = False

    def check(self) -> None:
        check_activation("Activate.function", self.function)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.activation(x, self.function)


@dataclass(frozen=True, slots=True)
class LocalResponseNorm(Block):
    """Local response normalisation (Krizhevsky et al. 2012, §3.3); ``alpha`` as PyTorch defines it, divided by ``size``."""

    size: int = 5
    alpha: float = 5e-4
    beta: float = 0.75
    k: float = 2.0

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._positive("size")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.add(LocalResponse(self.size, self.alpha, self.beta, self.k), x, name="lrn")


@dataclass(frozen=True, slots=True)
class Pool(Block):
    """Max or average pooling (``kind`` "max" or "avg"), padded by kernel // 2 where ``padding`` is None."""

    kind: str = "max"
    kernel: int = 3
    stride: int = 2
    padding: int | None = None
    ceil_mode: bool = False

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._want("kind", self.kind in ("max", "avg"), "'max' or 'avg'")
        self._positive("kernel", "stride")
        self._want(
            "padding",
            self.padding is None or 0 <= self.padding <= self.kernel // 2,
            "padding of at most half the kernel",
        )

    def lower(self, g: GraphBuilder, x: int) -> int:
        p = self.kernel // 2 if self.padding is None else self.padding
        op = Pool2d(self.kind, pair(self.kernel), pair(self.stride), pair(p), self.ceil_mode)
        return g.add(op, x, name="pool")

    def words(self) -> tuple[str, ...]:
        kind = "Max" if self.kind == "max" else "Average"
        return (f"{kind} pool {kernel_words(self.kernel)}", *stride_words(self.stride))


@dataclass(frozen=True, slots=True)
class GlobalPool(Block):
    """Average pooling to ``size`` × ``size``; 1 is global average pooling."""

    size: int = 1

    widths = ()
    is_layer = False

    def check(self) -> None:
        self._positive("size")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.add(AdaptiveAvgPool(self.size), x, name="pool")

    def words(self) -> tuple[str, ...]:
        return ("Global average pool",)
