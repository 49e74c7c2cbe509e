"""How a chain of convolutions passes on what comes in.

Kernels that are 1 in the middle do it where the non-linearities change nothing: ReLU none of the values above zero. Others
need both signs of a channel: f(x) − f(−x) = x for ReLU, SiLU, GELU and hard swish, and for ReLU6 below 6. A
convolution over all channels makes the pair and the next puts it together again; a depthwise one in between, with a
non-linearity of its own, takes twice as many. A gate of squeeze-and-excitation stands at a half and is made up for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf, prod

from space.graph import Graph
from space.growth.orders import HalfGate, Neutral, Orders, PassOn, Terms
from space.growth.pieces import NEW
from space.operations import Activation, BatchNorm, Conv2d, LayerScale, Pool2d, Scale

Bounds = tuple[float, float]
ANY: Bounds = (-inf, inf)
_BOUNDS: dict[str, Bounds] = {"relu": (0.0, inf), "relu6": (0.0, 6.0)}
_MIRRORED = ("relu", "relu6", "silu", "gelu", "hard_swish")
_GATES = ("sigmoid", "hard_sigmoid")
_OPEN = 2.0  # what a gate at a half is made up by
_SMALL = 1 / 64  # ReLU6 lets through what was multiplied by this: up to 384


def lets(function: str, bounds: Bounds) -> bool:
    """Whether a non-linearity changes no value within ``bounds``."""
    low, high = bounds
    return low >= 0 and (function == "relu" or (function == "relu6" and high <= 6))


@dataclass(slots=True)
class _Link:
    """A convolution (None in front of the first) and what follows it up to the next.

    ``mirrored`` says that its non-linearity takes both signs.
    """

    conv: int | None
    mixes: bool
    norms: list[int] = field(default_factory=list)
    function: str | None = None
    gate: int | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain from a node with channels of these ``origins`` to another: ``head`` works on each channel alone, each of
    ``stretches`` begins with a convolution over all channels."""

    graph: Graph
    origins: tuple[int, ...]
    head: tuple[_Link, ...]
    stretches: tuple[tuple[_Link, ...], ...]

    @classmethod
    def of(
        cls, graph: Graph, source: int, output: int, origins: tuple[int, ...], bounds: Bounds, forced: bool
    ) -> Chain | None:
        """The chain between two nodes; None where it cannot pass on values within ``bounds``.

        ``forced`` takes each non-linearity, and each pool that keeps the size, for one that changes nothing.
        """
        links = _links(graph, source, output, forced)
        if links is None:
            return None
        starts = [i for i, link in enumerate(links) if link.mixes]
        ends = [*starts[1:], len(links)]
        head = links[: starts[0]] if starts else links
        parts = (
            [head, *(links[start:end] for start, end in zip(starts, ends, strict=False))]
            if starts
            else [head]
        )
        for number, part in enumerate(parts):
            within = bounds
            for link in part:
                if link.function is None or forced or lets(link.function, within):
                    continue
                last = number == len(parts) - 1
                if number == 0 or last or link.function not in _MIRRORED:
                    return None
                link.mirrored, within = True, _BOUNDS.get(link.function, ANY)
        clipped = any(link.function == "relu6" for link in parts[-1])
        if _gates(parts[-1]) and (clipped or len(parts) == 1):
            return None
        return cls(graph, origins, tuple(head), tuple(map(tuple, parts[1:])))

    @property
    def room(self) -> int:
        """How many channels it can carry."""
        inside = [self._channels(part) // 2 ** _signs(part) for part in self.stretches]
        return min(inside, default=len(self.origins))

    def orders(self, wanted: tuple[int, ...]) -> Orders | None:
        """What has its output hold the channels of ``wanted`` origins (no more than there is room for)."""
        alone = PassOn({k: ((k, 1.0),) for k in range(len(self.origins))})
        orders = _plain(self.head) | {link.conv: alone for link in self.head if link.conv is not None}
        if not self.stretches:
            return orders if wanted == self.origins else None
        distinct = [origin for origin in dict.fromkeys(wanted) if origin != NEW]
        if len(distinct) > self.room:
            return None
        reads = {
            origin: tuple((i, 1.0) for i, one in enumerate(self.origins) if one == origin)
            for origin in distinct
        }
        opened = _OPEN ** _gates(self.head)
        reads = {o: tuple((i, opened / len(terms)) for i, _ in terms) for o, terms in reads.items()}
        straight = len(self.stretches) == 1 and wanted == self.origins
        for part in self.stretches:
            last = part is self.stretches[-1]
            signs, halves = _signs(part), opened if straight else 1.0
            opened = _OPEN ** _gates(part)
            small = _SMALL if any(link.mirrored and link.function == "relu6" for link in part) else 1.0
            codes = (
                [(origin, ()) for origin in wanted]
                if last
                else list(product(distinct, product((1.0, -1.0), repeat=signs)))
            )
            rows: dict[int, Terms] = {}
            reads_next: dict[int, Terms] = {}
            for channel, (origin, code) in enumerate(codes):
                if origin == NEW:
                    continue
                factor = small * (code[0] if code else 1.0) * (opened if last else 1.0)
                terms = ((channel, halves),) if straight else reads[origin]
                rows[channel] = tuple((i, factor * share) for i, share in terms)
                share = prod(code) * opened / small
                reads_next[origin] = (*reads_next.get(origin, ()), (channel, share))
            first, *others = part
            assert first.conv is not None
            orders[first.conv] = PassOn(rows)
            number = int(first.mirrored)
            for link in others:
                assert link.conv is not None
                flips = {
                    k: code[number] if link.mirrored else 1.0
                    for k, (_, code) in enumerate(codes)
                    if k in rows
                }
                orders[link.conv] = PassOn({k: ((k, sign),) for k, sign in flips.items()})
                number += link.mirrored
            orders |= _plain(part)
            reads = reads_next
        return orders

    def _channels(self, part: Sequence[_Link]) -> int:
        assert part[0].conv is not None
        return self.graph.nodes[part[0].conv].shape[0]


def _signs(part: Sequence[_Link]) -> int:
    return sum(link.mirrored for link in part)


def _gates(part: Sequence[_Link]) -> int:
    return sum(link.gate is not None for link in part)


def _plain(part: Sequence[_Link]) -> Orders:
    """Orders for all but the convolutions."""
    orders: Orders = {norm: Neutral() for link in part for norm in link.norms}
    return orders | {link.gate: HalfGate() for link in part if link.gate is not None}


def _links(graph: Graph, source: int, output: int, forced: bool) -> list[_Link] | None:
    """The chain's links; None where something stands between the nodes that cannot pass on."""
    nodes: list[int] = []
    while output != source:
        if not graph.nodes[output].inputs:
            return None
        nodes.append(output)
        output = graph.nodes[output].inputs[0]
    links = [_Link(None, mixes=False)]
    for index in reversed(nodes):
        op, last = graph.nodes[index].op, links[-1]
        match op:
            case Conv2d():
                kept = all(k == 2 * p + 1 for k, p in zip(op.kernel, op.padding, strict=True))
                if not kept or op.stride != (1, 1) or (op.groups > 1 and op.in_channels != op.out_channels):
                    return None
                links.append(_Link(index, mixes=op.groups == 1))
            case BatchNorm() | LayerScale():
                last.norms.append(index)
            case Activation() if last.function is None and last.gate is None:
                last.function = op.function
            case Scale() if last.gate is None:
                gate = graph.nodes[graph.nodes[index].inputs[1]]
                before = gate.inputs[0]
                known = isinstance(gate.op, Activation) and gate.op.function in _GATES
                if not known or not isinstance(graph.nodes[before].op, Conv2d):
                    return None
                last.gate = before
            case Pool2d() if forced and op.stride == (1, 1):
                pass
            case _ if op.identity_at_inference:
                pass
            case _:
                return None
    return links
