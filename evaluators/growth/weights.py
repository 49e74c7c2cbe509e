"""The weights of a larger network that computes what a smaller one does (Chen et al. 2016, "Net2Net").

What reads a repeated channel divides its weight among the repeats. Net2Net divides evenly and adds noise, because repeats
that are read alike stay alike in training. Here each output divides by shares of its own, drawn at random: the
function stays exact, and the repeats get different gradients from the first step on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from evaluators.network import Network
from space.graph import Graph, Node
from space.growth import Growth, Note
from space.growth.orders import HalfGate, Neutral, Order, PassOn
from space.operations import BatchNorm, Conv2d, Flatten, LayerNorm, LayerScale, Linear

# A repeat's share before they are made to sum to one: the larger of two has at most three quarters.
_LEAST_SHARE, _LARGEST_SHARE = 1.0, 3.0


def take_over(
    network: Network, growth: Growth, weights: Mapping[str, Tensor], *, seed: int = 0
) -> list[Note]:
    """Gives ``network``, a new one of the larger architecture, the function of the smaller one with ``weights``.

    Returns what of the function is missing all the same, beside the plan's notes. The shares are drawn from ``seed``.
    """
    own = network.state_dict()
    maker = _Maker(growth, own, weights, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for index, twin in growth.twins.items():
            maker.repeat(index, growth.larger.nodes[index], growth.smaller.nodes[twin], twin)
        for index, order in growth.orders.items():
            maker.obey(growth.larger.nodes[index], order)
    return maker.missing


class _Maker:
    def __init__(
        self,
        growth: Growth,
        own: Mapping[str, Tensor],
        weights: Mapping[str, Tensor],
        generator: torch.Generator,
    ) -> None:
        self.growth, self.own, self.weights, self.generator = growth, own, weights, generator
        self.missing: list[Note] = []

    def repeat(self, index: int, node: Node, twin: Node, twin_index: int) -> None:
        """The tensors of an operation from those of its twin."""
        rows = torch.tensor(self.growth.origins[index])
        match node.op, twin.op:
            case Conv2d() as op, Conv2d() as before:
                kernel = self.weights[f"{twin.path}.weight"]
                self._divide(node, rows, kernel, op.groups, before.groups)
            case Linear() as op, Linear() as before:
                size = _grid(self.growth.larger, index)
                flat = self.weights[f"{twin.path}.weight"]
                kernel = flat.reshape(before.out_features, -1, *_grid(self.growth.smaller, twin_index))
                if kernel.shape[2:] != size:
                    scale = kernel[0, 0].numel() / (size[0] * size[1])
                    kernel = F.interpolate(kernel, size, mode="bilinear", antialias=True) * scale
                    self.missing.append(
                        Note("other pixels than RUN's are read, by interpolated weights", node.path)
                    )
                self._divide(node, rows, kernel, 1, 1)
            case _:
                for name in _tensors(node):
                    self._copy(node, twin, name, rows)
        if f"{node.path}.bias" in self.own and isinstance(node.op, Conv2d | Linear):
            self._copy(node, twin, "bias", rows)

    def _copy(self, node: Node, twin: Node, name: str, rows: Tensor) -> None:
        mine, theirs = self.own[f"{node.path}.{name}"], self.weights[f"{twin.path}.{name}"]
        if mine.ndim:
            mine[rows >= 0] = theirs[rows[rows >= 0]].to(mine)
        else:
            mine.copy_(theirs)

    def _divide(self, node: Node, rows: Tensor, kernel: Tensor, groups: int, groups_before: int) -> None:
        """The weights (outputs, inputs of a group, height, width) from the twin's, divided among repeated inputs."""
        mine = self.own[f"{node.path}.weight"].view(len(rows), -1, *kernel.shape[2:])
        inputs = torch.tensor(self.growth.origins[node.inputs[0]])
        first = torch.arange(len(rows)) // (len(rows) // groups) * mine.shape[1]
        read = inputs[first[:, None] + torch.arange(mine.shape[1])]
        start = rows.clamp(min=0) // (kernel.shape[0] // groups_before) * kernel.shape[1]
        place = read - start[:, None]
        there = (read >= 0) & (place >= 0) & (place < kernel.shape[1])
        place = place.clamp(0, kernel.shape[1] - 1)
        span = _LARGEST_SHARE - _LEAST_SHARE
        drawn = _LEAST_SHARE + span * torch.rand(place.shape, generator=self.generator, dtype=torch.float64)
        drawn = drawn * there
        sums = torch.zeros(len(rows), kernel.shape[1], dtype=torch.float64).scatter_add_(1, place, drawn)
        known = rows >= 0
        if (sums[known] == 0).any():
            self.missing.append(Note("not all channels are read that are in RUN", node.path))
        shares = drawn / sums.gather(1, place).clamp(min=1e-30)
        taken = kernel.double()[rows.clamp(min=0)[:, None], place] * shares[:, :, None, None]
        mine[known] = taken[known].to(mine)

    def obey(self, node: Node, order: Order) -> None:
        """Does what a layer of a new block is told."""
        tensors = {name: self.own[f"{node.path}.{name}"] for name in _tensors(node)}
        if isinstance(order, PassOn):
            assert isinstance(node.op, Conv2d)
            _pass_on(tensors["weight"], node.op.groups, order.rows)
            if "bias" in tensors:
                tensors["bias"][list(order.rows)] = 0.0
        elif isinstance(order, Neutral):
            tensors["weight"].fill_(1.0)
            if isinstance(node.op, BatchNorm):
                tensors["running_mean"].zero_()
                tensors["running_var"].fill_(1.0 - node.op.eps)
                tensors["bias"].zero_()
        else:
            for name in ("weight", "bias"):
                if name in tensors:
                    tensors[name].zero_()
            assert not isinstance(order, HalfGate) or "bias" in tensors


def _pass_on(weight: Tensor, groups: int, rows: Mapping[int, Sequence[tuple[int, float]]]) -> None:
    middle = (weight.shape[2] // 2, weight.shape[3] // 2)
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    for row, terms in rows.items():
        weight[row].zero_()
        for channel, factor in terms:
            weight[row, channel - row // outputs * inputs, *middle] += factor


def _tensors(node: Node) -> tuple[str, ...]:
    """The names of an operation's tensors."""
    match node.op:
        case BatchNorm():
            return ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        case LayerNorm():
            return ("weight", "bias")
        case LayerScale():
            return ("weight",)
        case Conv2d(bias=biased) | Linear(bias=biased):
            return ("weight", "bias") if biased else ("weight",)
    return ()


def _grid(graph: Graph, index: int) -> tuple[int, int]:
    """(height, width) of the map that a linear layer reads flattened; (1, 1) behind another linear layer."""
    while True:
        index = graph.nodes[index].inputs[0]
        node = graph.nodes[index]
        if isinstance(node.op, Linear):
            return 1, 1
        if isinstance(node.op, Flatten):
            _, height, width = graph.nodes[node.inputs[0]].shape
            return height, width
