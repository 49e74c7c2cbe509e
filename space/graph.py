"""The primitive operations, and the graph of them that every network is lowered to.

A block (``space.blocks``) says once which primitives it is made of by calling a ``GraphBuilder``. The
cost model (``space.cost``), the canonical key and the torch builder (``evaluators.network``) all read
the resulting ``Graph``, so they cannot disagree about what a network is.

Shapes are per image, without the batch: ``(channels, height, width)`` for feature maps and
``(features,)`` after flattening.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod

from space.errors import InputError, ShapeError

Shape = tuple[int, ...]
Pair = tuple[int, int]

ACTIVATIONS = ("relu", "relu6", "silu", "hard_swish", "sigmoid", "hard_sigmoid", "gelu", "tanh")


def _extent(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool = False) -> int:
    """Output extent of a sliding window along one axis (PyTorch's rule, ceil mode included)."""
    span = size + 2 * padding - kernel
    if span < 0:
        return 0
    if not ceil_mode:
        return span // stride + 1
    out = -(-span // stride) + 1
    # A window that would start in the right padding is dropped.
    return out - 1 if (out - 1) * stride >= size + padding else out


def _window(shape: Shape, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool = False) -> Pair:
    if len(shape) != 3:
        raise ShapeError(f"needs a feature map (channels, height, width), got shape {shape}")
    for size, k, s, p in zip(shape[1:], kernel, stride, padding, strict=True):
        if size < s or size + 2 * p < k:
            raise ShapeError(
                f"kernel {kernel[0]}x{kernel[1]} at stride {max(stride)} does not fit its "
                f"{shape[1]}x{shape[2]} input"
            )
    height = _extent(shape[1], kernel[0], stride[0], padding[0], ceil_mode)
    width = _extent(shape[2], kernel[1], stride[1], padding[1], ceil_mode)
    return height, width


def _feature_map(shape: Shape, channels: int | None = None) -> None:
    if len(shape) != 3:
        raise ShapeError(f"needs a feature map (channels, height, width), got shape {shape}")
    if channels is not None and shape[0] != channels:
        raise ShapeError(f"needs {channels} channels, got {shape[0]}")


@dataclass(frozen=True, slots=True)
class Input:
    """The image (or, in a segment, the tensor that enters the block)."""

    shape: Shape

    def output_shape(self) -> Shape:
        return self.shape


@dataclass(frozen=True, slots=True)
class Conv2d:
    """2-D convolution with zero padding. ``kernel``, ``stride`` and ``padding`` are (height, width)."""

    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    groups: int = 1
    bias: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether every group holds one input channel (and there is more than one)."""
        return self.groups == self.in_channels and self.groups > 1

    def output_shape(self, x: Shape) -> Shape:
        _feature_map(x, self.in_channels)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ShapeError(
                f"groups={self.groups} does not divide {self.in_channels} -> {self.out_channels} channels"
            )
        return (self.out_channels, *_window(x, self.kernel, self.stride, self.padding))


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation over channels, with scale and shift (Ioffe & Szegedy 2015)."""

    channels: int
    eps: float = 1e-5
    momentum: float = 0.1

    def output_shape(self, x: Shape) -> Shape:
        _feature_map(x, self.channels)
        return x


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """Local response normalisation across channels: x / (k + α/size · Σ x²)^β.

    Krizhevsky et al. 2012, §3.3, wrote α without the division by the window's size; theirs is
    ``alpha = 1e-4 · size`` here, where α follows PyTorch's convention.
    """

    size: int = 5
    alpha: float = 5e-4
    beta: float = 0.75
    k: float = 2.0

    def output_shape(self, x: Shape) -> Shape:
        _feature_map(x)
        return x


@dataclass(frozen=True, slots=True)
class Activation:
    """An elementwise non-linearity, one of ``ACTIVATIONS``."""

    function: str

    def output_shape(self, x: Shape) -> Shape:
        return x


@dataclass(frozen=True, slots=True)
class Pool2d:
    """Max or average pooling; ``kind`` is ``"max"`` or ``"avg"``. Averages leave the padding out of the count."""

    kind: str
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    def output_shape(self, x: Shape) -> Shape:
        return (x[0], *_window(x, self.kernel, self.stride, self.padding, self.ceil_mode))


@dataclass(frozen=True, slots=True)
class AdaptiveAvgPool:
    """Average pooling to a fixed ``size`` × ``size`` map, whatever comes in."""

    size: int = 1

    def output_shape(self, x: Shape) -> Shape:
        _feature_map(x)
        return (x[0], self.size, self.size)


@dataclass(frozen=True, slots=True)
class Flatten:
    """(channels, height, width) → (features,)."""

    def output_shape(self, x: Shape) -> Shape:
        return (prod(x),)


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected layer on a flat input."""

    in_features: int
    out_features: int
    bias: bool = True

    def output_shape(self, x: Shape) -> Shape:
        if x != (self.in_features,):
            raise ShapeError(f"needs {self.in_features} flat features, got shape {x}")
        return (self.out_features,)


@dataclass(frozen=True, slots=True)
class Add:
    """Elementwise sum of equal shapes (a residual connection)."""

    def output_shape(self, *xs: Shape) -> Shape:
        if len(set(xs)) != 1:
            raise ShapeError(f"adds equal shapes, got {' and '.join(map(str, xs))}")
        return xs[0]


@dataclass(frozen=True, slots=True)
class Scale:
    """A feature map times one gate per channel of shape (channels, 1, 1) (squeeze-and-excitation)."""

    def output_shape(self, x: Shape, gate: Shape) -> Shape:
        _feature_map(x)
        if gate != (x[0], 1, 1):
            raise ShapeError(f"needs a gate of shape {(x[0], 1, 1)}, got {gate}")
        return x


@dataclass(frozen=True, slots=True)
class Concat:
    """Concatenation along channels (inception, dense connections)."""

    def output_shape(self, *xs: Shape) -> Shape:
        if len({x[1:] for x in xs}) != 1:
            raise ShapeError(f"concatenates maps of one size, got {' and '.join(map(str, xs))}")
        return (sum(x[0] for x in xs), *xs[0][1:])


@dataclass(frozen=True, slots=True)
class Dropout:
    """Zeroes each element with probability ``rate`` in training; nothing at inference."""

    rate: float

    def output_shape(self, x: Shape) -> Shape:
        return x


@dataclass(frozen=True, slots=True)
class StochasticDepth:
    """Drops a whole residual branch per image with probability ``rate`` in training (Huang et al. 2016)."""

    rate: float

    def output_shape(self, x: Shape) -> Shape:
        return x


Op = (
    Input
    | Conv2d
    | BatchNorm
    | LocalResponse
    | Activation
    | Pool2d
    | AdaptiveAvgPool
    | Flatten
    | Linear
    | Add
    | Scale
    | Concat
    | Dropout
    | StochasticDepth
)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it does, the nodes it reads, the shape it gives, and its dotted path."""

    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    path: str

    @property
    def elements(self) -> int:
        """Numbers in the output, for one image."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in an order of execution. Node 0 is the input.

    ``output`` is the index of the result; ``auxiliaries`` holds (node, loss weight) of the auxiliary
    classifiers, which exist in training only.
    """

    nodes: tuple[Node, ...]
    output: int
    auxiliaries: tuple[tuple[int, float], ...] = ()

    def consumers(self) -> list[list[int]]:
        """For each node, the nodes that read it, in order."""
        readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                readers[source].append(index)
        return readers

    def needed_for(self, *targets: int) -> set[int]:
        """The nodes from which one of ``targets`` can be reached, the targets included."""
        needed: set[int] = set()
        stack = list(targets)
        while stack:
            index = stack.pop()
            if index not in needed:
                needed.add(index)
                stack.extend(self.nodes[index].inputs)
        return needed


@dataclass(slots=True)
class GraphBuilder:
    """Collects nodes; the one object that blocks talk to while they are lowered.

    ``classes`` is the network's number of classes, for the block that ends in it.
    """

    input_shape: Shape
    classes: int
    nodes: list[Node] = field(default_factory=list)
    auxiliaries: list[tuple[int, float]] = field(default_factory=list)
    _scope: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes.append(Node(Input(self.input_shape), (), self.input_shape, "input"))

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefixes the paths of the nodes added inside with ``name``."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    def shape(self, index: int) -> Shape:
        return self.nodes[index].shape

    def channels(self, index: int) -> int:
        return self.nodes[index].shape[0]

    def add(self, op: Op, *inputs: int, name: str) -> int:
        """Appends ``op`` reading ``inputs``; returns its index. Raises ShapeError with the path."""
        path = ".".join([*self._scope, name])
        try:
            shape = op.output_shape(*(self.nodes[i].shape for i in inputs))
        except ShapeError as error:
            raise ShapeError(f"layer {path}: {error}") from None
        self.nodes.append(Node(op, inputs, shape, path))
        return len(self.nodes) - 1

    def conv(
        self,
        x: int,
        out_channels: int,
        kernel: int | Pair = 1,
        *,
        stride: int = 1,
        padding: int | Pair | None = None,
        groups: int = 1,
        bias: bool = False,
        name: str = "conv",
    ) -> int:
        """A convolution; by default padded by kernel // 2, so that stride s gives ceil(size / s)."""
        k = pair(kernel)
        p = (k[0] // 2, k[1] // 2) if padding is None else pair(padding)
        op = Conv2d(self.channels(x), out_channels, k, (stride, stride), p, groups, bias)
        return self.add(op, x, name=name)

    def norm(self, x: int, name: str = "norm") -> int:
        return self.add(BatchNorm(self.channels(x)), x, name=name)

    def activation(self, x: int, function: str | None, name: str = "act") -> int:
        return x if function is None else self.add(Activation(function), x, name=name)

    def conv_norm_act(
        self,
        x: int,
        out_channels: int,
        kernel: int | Pair = 1,
        *,
        stride: int = 1,
        padding: int | Pair | None = None,
        groups: int = 1,
        norm: bool = True,
        activation: str | None = "relu",
        name: str,
    ) -> int:
        """Convolution, batch normalisation, non-linearity; with a bias where there is no normalisation."""
        with self.scope(name):
            x = self.conv(
                x, out_channels, kernel, stride=stride, padding=padding, groups=groups, bias=not norm
            )
            if norm:
                x = self.norm(x)
            return self.activation(x, activation)

    def auxiliary(self, index: int, weight: float) -> None:
        """Marks ``index`` as the logits of an auxiliary classifier whose loss counts ``weight``."""
        self.auxiliaries.append((index, weight))

    def graph(self, output: int) -> Graph:
        return Graph(tuple(self.nodes), output, tuple(self.auxiliaries))


def pair(value: int | Pair) -> Pair:
    """``3`` → ``(3, 3)``; a pair stays itself."""
    return (value, value) if isinstance(value, int) else value


def check_activation(argument: str, function: str | None) -> None:
    """Raises InputError unless ``function`` is None or one of ``ACTIVATIONS``."""
    if function is not None and function not in ACTIVATIONS:
        raise InputError.of(argument, f"one of {', '.join(ACTIVATIONS)}", function)
