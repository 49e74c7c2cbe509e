"""Lowered graph → ``torch.nn.Module``.

One torch module per operation that has parameters or state, placed at the operation's own path, so that
the state dict reads like the graph (``stages.1.0.expand.conv.weight``). The forward pass follows a plan that is
made once: the operations in order, their inputs, and the tensors that can be freed after each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from space.architecture import Architecture
from space.blocks import RESIDUAL
from space.errors import ShapeError
from space.graph import Graph
from space.lowering import lower
from space.operations import (
    Activation,
    AdaptiveAvgPool,
    Add,
    BatchNorm,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Input,
    LayerNorm,
    LayerScale,
    Linear,
    LocalResponse,
    Operation,
    Pool2d,
    Scale,
    StochasticDepth,
    Zero,
)


class AddTensors(nn.Module):
    """Sum of equal shapes."""

    def forward(self, *xs: Tensor) -> Tensor:
        total = xs[0] + xs[1]
        for x in xs[2:]:
            total = total + x
        return total


class ZeroMap(nn.Module):
    """Zeros of the input's shape; the gradient is zero too, not missing."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


class ScaleChannels(nn.Module):
    """A feature map times a gate per channel."""

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x * gate


class ConcatChannels(nn.Module):
    """Concatenation along channels."""

    def forward(self, *xs: Tensor) -> Tensor:
        return torch.cat(xs, dim=1)


class NormChannels(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel of a feature map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class WeighChannels(nn.Module):
    """A trained factor for each channel, ``initial`` at the start."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.initial = initial
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.initial)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, initial={self.initial}"


class DropBranch(nn.Module):
    """Stochastic depth: in training drops its input for whole images and rescales the survivors.

    Huang et al. 2016, with the survivors divided by the survival rate so that inference needs no change.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = 1.0 - self.rate
        mask = torch.empty((x.shape[0], 1, 1, 1), dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * mask.div_(keep)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


_ACTIVATIONS: dict[str, Callable[[bool], nn.Module]] = {
    "relu": lambda inplace: nn.ReLU(inplace=inplace),
    "relu6": lambda inplace: nn.ReLU6(inplace=inplace),
    "silu": lambda inplace: nn.SiLU(),
    "hard_swish": lambda inplace: nn.Hardswish(),
    "sigmoid": lambda inplace: nn.Sigmoid(),
    "hard_sigmoid": lambda inplace: nn.Hardsigmoid(),
    "gelu": lambda inplace: nn.GELU(),
    "tanh": lambda inplace: nn.Tanh(),
}


def _pool(op: Pool2d) -> nn.Module:
    if op.kind == "max":
        return nn.MaxPool2d(op.kernel, op.stride, op.padding, ceil_mode=op.ceil_mode)
    return nn.AvgPool2d(op.kernel, op.stride, op.padding, ceil_mode=op.ceil_mode, count_include_pad=False)


@dataclass(frozen=True)
class Layers:
    """The classes of the modules that hold weights."""

    conv: type[nn.Conv2d] = nn.Conv2d
    norm: type[nn.BatchNorm2d] = nn.BatchNorm2d
    linear: type[nn.Linear] = nn.Linear


def module(op: Operation, inplace: bool = False, layers: Layers = Layers()) -> nn.Module:
    """The torch module of one operation; ``inplace`` lets ReLU and ReLU6 overwrite their input."""
    match op:
        case Conv2d():
            return layers.conv(
                op.in_channels,
                op.out_channels,
                op.kernel,
                op.stride,
                op.padding,
                groups=op.groups,
                bias=op.bias,
            )
        case BatchNorm():
            return layers.norm(op.channels, eps=op.eps, momentum=op.momentum)
        case LayerNorm():
            return NormChannels(op.channels, eps=op.eps)
        case LayerScale():
            return WeighChannels(op.channels, op.initial)
        case Linear():
            return layers.linear(op.in_features, op.out_features, bias=op.bias)
        case Activation():
            return _ACTIVATIONS[op.function](inplace)
        case Pool2d():
            return _pool(op)
        case AdaptiveAvgPool():
            return nn.AdaptiveAvgPool2d(op.size)
        case LocalResponse():
            return nn.LocalResponseNorm(op.size, op.alpha, op.beta, op.k)
        case Flatten():
            return nn.Flatten()
        case Dropout():
            return nn.Dropout(op.rate)
        case StochasticDepth():
            return DropBranch(op.rate)
        case Add():
            return AddTensors()
        case Zero():
            return ZeroMap()
        case Scale():
            return ScaleChannels()
        case Concat():
            return ConcatChannels()
    raise TypeError(f"no torch module for {type(op).__name__}")


Step = tuple[nn.Module, tuple[int, ...], int, tuple[int, ...]]
ModuleOf = Callable[[str, Operation, bool], nn.Module]
"""(path, operation, whether it may overwrite its input) → its module."""


def fresh(path: str, op: Operation, inplace: bool) -> nn.Module:
    """A module of its own for every operation."""
    return module(op, inplace)


class Network(nn.Module):
    """The module of a graph: images (n, channels, height, width) → logits (n, classes).

    In training a network with auxiliary classifiers returns ``(logits, [(logits, weight), …])``;
    otherwise, and always in evaluation, the logits alone. ``idle`` says that some parameters have no part in the
    output, and so no gradient. ``module_of`` may hand out modules that other networks
    have too. Raises ShapeError where auxiliary classifiers are wanted and one does not fit its feature map.
    """

    def __init__(self, graph: Graph, *, auxiliaries: bool = False, module_of: ModuleOf = fresh) -> None:
        super().__init__()
        if auxiliaries and graph.misfits:
            raise ShapeError(f"training: the auxiliary classifier does not fit: {graph.misfits[0]}")
        heads = graph.auxiliaries if auxiliaries else ()
        self.output = graph.output
        self.auxiliaries = tuple(heads)
        inference = graph.at_inference()
        used = graph.needed_for(graph.output, *(index for index, _ in heads))
        needed = inference | used
        self.idle = any(graph.nodes[index].op.params for index in inference - used)
        readers = graph.consumers()
        for index, node in enumerate(graph.nodes):
            if index in needed and not isinstance(node.op, Input):
                source = node.inputs[0]
                alone = len(readers[source]) == 1 and source not in (0, graph.output)
                after = isinstance(graph.nodes[source].op, (BatchNorm, Add))
                self._place(node.path, module_of(node.path, node.op, alone and after))
        self._plan = self._steps(graph, inference, ())
        self._training_plan = self._steps(graph, needed, tuple(i for i, _ in heads)) if heads else self._plan

    def _place(self, path: str, child: nn.Module) -> None:
        """Registers ``child`` under a dotted path, making the containers on the way."""
        parent: nn.Module = self
        *containers, name = path.split(".")
        for container in containers:
            if container not in parent._modules:
                parent.add_module(container, nn.Module())
            parent = parent.get_submodule(container)
        parent.add_module(name, child)

    def _steps(self, graph: Graph, needed: set[int], kept: tuple[int, ...]) -> list[Step]:
        """(module, inputs, output, tensors that can be freed after it) in order of execution."""
        order = [i for i in range(1, len(graph.nodes)) if i in needed]
        last_reader = {i: i for i in order} | {source: i for i in order for source in graph.nodes[i].inputs}
        keep = {graph.output, *kept}
        free: dict[int, list[int]] = {}
        for source, reader in last_reader.items():
            if source not in keep:
                free.setdefault(reader, []).append(source)
        return [
            (
                self.get_submodule(graph.nodes[i].path),
                graph.nodes[i].inputs,
                i,
                tuple(free.get(i, ())),
            )
            for i in order
        ]

    def forward(self, x: Tensor) -> Any:
        heads = self.training and self.auxiliaries
        values: dict[int, Tensor] = {0: x}
        for step, sources, target, done in self._training_plan if heads else self._plan:
            if len(sources) == 1:
                values[target] = step(values[sources[0]])
            else:
                values[target] = step(*[values[s] for s in sources])
            for index in done:
                del values[index]
        if heads:
            return values[self.output], [(values[i], weight) for i, weight in self.auxiliaries]
        return values[self.output]


def build(
    architecture: Architecture | Graph,
    *,
    seed: int | None = 0,
    device: str | torch.device = "cpu",
    auxiliaries: bool = False,
    zero_last_norm: bool = False,
) -> Network:
    """The torch network of an architecture, on ``device``, initialised from ``seed`` alone.

    ``auxiliaries`` adds the training-only classifiers; without them the parameters are those that
    ``space.cost`` counts. ``zero_last_norm`` starts each residual branch at zero (Goyal et al. 2017, §5.1).
    ``seed=None`` leaves the network on the meta device: shapes and counts without memory.
    """
    graph = architecture if isinstance(architecture, Graph) else lower(architecture)
    with torch.device("meta"):
        network = Network(graph, auxiliaries=auxiliaries)
    if seed is None:
        return network
    network = network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for child in network.modules():
            initialise(child, generator)
        if zero_last_norm:
            for path in residual_norms(graph):
                nn.init.zeros_(network.get_parameter(f"{path}.weight"))
    return network.to(device)


def initialise(child: nn.Module, generator: torch.Generator) -> None:
    """Convolutions by He et al. 2015 (fan-out, per group), linear layers by 1/√fan-in.

    Normalisations start at one and zero, layer scales at their own factor.
    """
    if isinstance(child, nn.Conv2d):
        height, width = child.kernel_size
        fan_out = height * width * child.out_channels // child.groups
        child.weight.normal_(0.0, math.sqrt(2.0 / fan_out), generator=generator)
        if child.bias is not None:
            child.bias.zero_()
    elif isinstance(child, nn.Linear):
        child.weight.normal_(0.0, 1.0 / math.sqrt(child.in_features), generator=generator)
        if child.bias is not None:
            child.bias.zero_()
    elif isinstance(child, nn.BatchNorm2d | NormChannels | WeighChannels):
        child.reset_parameters()


def residual_norms(graph: Graph) -> Iterator[str]:
    """Paths of the normalisations that end a residual branch: what is added to a shortcut.

    The sums of a cell are none: each of their terms is needed from the start.
    """
    for node in graph.nodes:
        if isinstance(node.op, Add) and node.path.rpartition(".")[2] == RESIDUAL:
            last = graph.nodes[node.inputs[-1]]
            if isinstance(last.op, StochasticDepth):
                last = graph.nodes[last.inputs[0]]
            if isinstance(last.op, BatchNorm):
                yield last.path


def loss_of(
    output: Any, labels: Tensor, label_smoothing: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy in nats of a network's output, auxiliary classifiers counted by their weights.

    ``class_weights`` (k) weight the images by their class; the mean is over the weights.
    """
    logits, heads = output if isinstance(output, tuple) else (output, ())
    loss = F.cross_entropy(logits, labels, class_weights, label_smoothing=label_smoothing)
    for head, weight in heads:
        loss = loss + weight * F.cross_entropy(head, labels, class_weights, label_smoothing=label_smoothing)
    return loss
