"""How a new block passes on what comes in: by a branch that ends in zeros, by chains of convolutions, by new channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from space.graph import Graph
from space.growth.chains import Bounds, Chain, lets
from space.growth.orders import Orders, Silent
from space.growth.pieces import NEW
from space.operations import Activation, Add, BatchNorm, Concat, Conv2d, LayerNorm, LayerScale, Zero

_NOT_ZERO = ("sigmoid", "hard_sigmoid")
"""Non-linearities that make something of zeros."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Orders for a block, and the origins of its output's channels. ``exact`` says whether it passes on all that comes in."""

    orders: Orders
    origins: tuple[int, ...]
    exact: bool


def passing(
    graph: Graph, source: int, output: int, origins: tuple[int, ...], wanted: tuple[int, ...], bounds: Bounds
) -> Passing | None:
    """How ``output`` passes on ``source``, whose channels have these ``origins`` and whose values lie within ``bounds``.

    ``wanted`` are the origins that the channels of ``output`` should have; those of a concatenation are found. Where it cannot, the nearest to it that is known, not exact; None where nothing is.
    """
    for forced in (False, True):
        found = _Attempt(graph, source, origins, wanted, bounds, forced).passing(output)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True)
class _Attempt:
    graph: Graph
    source: int
    origins: tuple[int, ...]
    wanted: tuple[int, ...]
    bounds: Bounds
    forced: bool

    def passing(self, output: int) -> Passing | None:
        if isinstance(self.graph.nodes[output].op, Concat):
            return self._branches(output)
        orders = self._carry(output)
        return None if orders is None else Passing(orders, self.wanted, not self.forced)

    def _carry(self, node: int) -> Orders | None:
        """What has ``node`` hold the source."""
        op, inputs = self.graph.nodes[node].op, self.graph.nodes[node].inputs
        if node == self.source:
            return {} if self.wanted == self.origins else None
        if op.identity_at_inference:
            return self._carry(inputs[0])
        if isinstance(op, Add):
            return self._one_of(inputs)
        if isinstance(op, Activation) and isinstance(self.graph.nodes[inputs[0]].op, Add):
            return self._carry(inputs[0]) if self.forced or lets(op.function, self.bounds) else None
        chain = self._chain(node)
        return None if chain is None else chain.orders(self.wanted)

    def _chain(self, node: int) -> Chain | None:
        return Chain.of(self.graph, self.source, node, self.origins, self.bounds, self.forced)

    def _one_of(self, terms: Sequence[int]) -> Orders | None:
        """One term of a sum holds the source, the others zeros."""
        for chosen in range(len(terms)):
            parts = [self._carry(t) if i == chosen else self._mute(t) for i, t in enumerate(terms)]
            found = _together(parts)
            if found is not None:
                return found
        return None

    def _mute(self, node: int) -> Orders | None:
        """What has ``node`` hold zeros: its last layer that can gives them."""
        op, inputs = self.graph.nodes[node].op, self.graph.nodes[node].inputs
        if node == self.source:
            return None
        if isinstance(op, BatchNorm | Conv2d | LayerScale | LayerNorm):
            return {node: Silent()}
        if isinstance(op, Zero):
            return {}
        if isinstance(op, Add | Concat):
            return _together([self._mute(term) for term in inputs])
        if isinstance(op, Activation) and op.function in _NOT_ZERO:
            return None
        return self._mute(inputs[0])

    def _branches(self, output: int) -> Passing | None:
        """A concatenation: the source itself beside new channels, or branches that share its channels among them."""
        inputs = self.graph.nodes[output].inputs
        sizes = [self.graph.nodes[i].shape[0] for i in inputs]
        if self.source in inputs:
            rows = [
                self.origins if i == self.source else (NEW,) * n for i, n in zip(inputs, sizes, strict=True)
            ]
            return Passing({}, sum(rows, ()), True)
        left = [origin for origin in dict.fromkeys(self.origins) if origin != NEW]
        parts: list[Orders | None] = []
        held: dict[int, tuple[int, ...]] = {}
        exact = dict.fromkeys(inputs, False)
        for forced in (False, True) if self.forced else (False,):
            for node, size in zip(inputs, sizes, strict=True):
                chain = Chain.of(self.graph, self.source, node, self.origins, self.bounds, forced)
                if node in held or chain is None or not left:
                    continue
                count = min(size, chain.room, len(left))
                held[node] = (*left[:count], *(NEW,) * (size - count))
                left = left[count:]
                parts.append(chain.orders(held[node]))
                exact[node] = not forced
        orders = _together(parts)
        if orders is None or not held or (left and not self.forced):
            return None
        rows = [held.get(i, (NEW,) * n) for i, n in zip(inputs, sizes, strict=True)]
        return Passing(orders, sum(rows, ()), not left and all(exact[i] for i in held))


def _together(parts: Sequence[Orders | None]) -> Orders | None:
    """All orders; None where a part has none or two contradict each other."""
    found: Orders = {}
    for part in parts:
        if part is None or any(found.get(i, order) != order for i, order in part.items()):
            return None
        found |= part
    return found
