"""Where a network's costs are: layer by layer, as matrix products, and by kind of layer.

A layer is one operation together with the normalisation, non-linearity and views that only follow it, as
a runtime would fuse them: its inputs and weights are read once and its output is written once. Only what
runs at inference is listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from space.architecture import Architecture
from space.cost import check_memory_settings, op_flops, op_macs, op_params
from space.graph import (
    Activation,
    AdaptiveAvgPool,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Graph,
    Linear,
    LocalResponse,
    Node,
    Pool2d,
    Scale,
    Shape,
    StochasticDepth,
)
from space.lowering import lower

KINDS = (
    "conv 1x1",
    "conv",
    "depthwise",
    "grouped",
    "squeeze-excite",
    "linear",
    "norm",
    "pool",
    "elementwise",
)
"""Kinds of layers. ``conv`` is any larger dense kernel; a ``norm`` stands alone, not behind a convolution."""

_VIEWS = (Flatten, Dropout, StochasticDepth)
_FOLLOWERS = (BatchNorm, Activation, *_VIEWS)


@dataclass(frozen=True, slots=True)
class Product:
    """A layer as ``count`` matrix products C = A·B after im2col: A (m, k) weights, B (k, n) patches, C (m, n)."""

    m: int
    n: int
    k: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer and its costs.

    ``macs``, ``flops`` and ``params`` are per image as in ``space.cost``; ``weights`` are the params
    without biases and normalisation. ``activation_bytes`` holds the output of the whole batch,
    ``moved_bytes`` inputs, params and output, and ``im2col_bytes`` the patches laid out as a matrix (0 for
    a 1×1 convolution of stride 1, whose input already is that matrix). ``receptive_field`` and ``stride``
    are in pixels of the image, along the path of convolutions and pools; the gates of
    squeeze-and-excitation, which see the whole image, are left out of it.
    """

    path: str
    operation: str
    kind: str
    shape: Shape
    receptive_field: int
    stride: int
    weights: int
    params: int
    macs: int
    flops: int
    activation_bytes: int
    moved_bytes: int
    im2col_bytes: int
    batch: int
    product: Product | None

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: FLOPs of the batch per byte that must be moved."""
        return self.batch * self.flops / self.moved_bytes if self.moved_bytes else 0.0


def layers(architecture: Architecture, *, batch: int = 1, dtype: str = "float32") -> tuple[Layer, ...]:
    """The layers in order of execution. Raises InputError for a batch or dtype that makes no sense."""
    return graph_layers(lower(architecture), batch=batch, dtype=dtype)


def graph_layers(graph: Graph, *, batch: int = 1, dtype: str = "float32") -> tuple[Layer, ...]:
    """The layers of a lowered graph."""
    number_bytes = check_memory_settings(batch, dtype)
    fields = _receptive_fields(graph)
    return tuple(
        _layer(graph, members, fields[members[0]], batch, number_bytes) for members in layer_groups(graph)
    )


def layer_groups(graph: Graph) -> list[list[int]]:
    """The nodes of each layer: its operation first, then what follows it and it alone."""
    run = graph.needed_for(graph.output)
    readers: dict[int, int] = {}
    for index in run:
        for source in graph.nodes[index].inputs:
            readers[source] = readers.get(source, 0) + 1
    owner: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for index in sorted(run - {0}):
        node = graph.nodes[index]
        source = node.inputs[0]
        follows = isinstance(node.op, _FOLLOWERS) and source in owner
        if follows and not isinstance(node.op, _VIEWS):
            follows = readers[source] == 1
        if follows and isinstance(node.op, BatchNorm):
            follows = isinstance(graph.nodes[source].op, Conv2d)
        owner[index] = owner[source] if follows else index
        groups.setdefault(owner[index], []).append(index)
    return list(groups.values())


def _layer(graph: Graph, members: list[int], field: tuple[int, int], batch: int, number_bytes: int) -> Layer:
    nodes = [graph.nodes[i] for i in members]
    first = nodes[0]
    inputs = sum(graph.nodes[i].elements for i in first.inputs)
    params = sum(op_params(node.op) for node in nodes)
    moved = batch * (inputs + first.elements) + params
    if isinstance(first.op, _VIEWS):
        moved = 0
    return Layer(
        path=first.path,
        operation=" + ".join(_operation(node) for node in nodes if not isinstance(node.op, _VIEWS))
        or _operation(first),
        kind=kind(first),
        shape=first.shape,
        receptive_field=field[0],
        stride=field[1],
        weights=_weights(first),
        params=params,
        macs=op_macs(first.op, first.shape),
        flops=sum(
            op_flops(node.op, [graph.nodes[i].shape for i in node.inputs], node.shape) for node in nodes
        ),
        activation_bytes=0 if isinstance(first.op, _VIEWS) else batch * first.elements * number_bytes,
        moved_bytes=moved * number_bytes,
        im2col_bytes=_im2col_elements(first) * batch * number_bytes,
        batch=batch,
        product=matrix_product(first, batch),
    )


def matrix_product(node: Node, batch: int = 1) -> Product | None:
    """The matrix products that a convolution (one per group) or a linear layer is; None for anything else."""
    match node.op:
        case Conv2d() as op:
            patch = op.in_channels // op.groups * op.kernel[0] * op.kernel[1]
            positions = node.shape[1] * node.shape[2]
            return Product(op.out_channels // op.groups, batch * positions, patch, op.groups)
        case Linear() as op:
            return Product(op.out_features, batch, op.in_features)
    return None


def _im2col_elements(node: Node) -> int:
    """Numbers in the matrix of patches, for one image; 0 where the input already is that matrix."""
    op = node.op
    if not isinstance(op, Conv2d) or (op.kernel == (1, 1) and op.stride == (1, 1) and op.padding == (0, 0)):
        return 0
    return op.in_channels * op.kernel[0] * op.kernel[1] * node.shape[1] * node.shape[2]


def _weights(node: Node) -> int:
    op = node.op
    if isinstance(op, Conv2d):
        return op_params(op) - op.out_channels * op.bias
    return op.in_features * op.out_features if isinstance(op, Linear) else 0


def kind(node: Node) -> str:
    """Which of ``KINDS`` the operation is."""
    if ".se." in f".{node.path}":
        return "squeeze-excite"
    match node.op:
        case Conv2d() as op if op.depthwise:
            return "depthwise"
        case Conv2d() as op if op.groups > 1:
            return "grouped"
        case Conv2d() as op:
            return "conv 1x1" if op.kernel == (1, 1) else "conv"
        case Linear():
            return "linear"
        case BatchNorm() | LocalResponse():
            return "norm"
        case Pool2d() | AdaptiveAvgPool():
            return "pool"
    return "elementwise"


def _operation(node: Node) -> str:
    """A few words for the operation: ``conv 3x3/2``, ``norm``, ``relu``."""
    match node.op:
        case Conv2d() as op:
            name = "depthwise" if op.depthwise else "conv"
            text = f"{name} {op.kernel[0]}x{op.kernel[1]}" + (f"/{op.stride[0]}" if op.stride[0] > 1 else "")
            return text if op.groups == 1 or op.depthwise else f"{text} in {op.groups} groups"
        case Pool2d() as op:
            return f"{op.kind} pool {op.kernel[0]}x{op.kernel[1]}/{op.stride[0]}"
        case AdaptiveAvgPool(size):
            return f"avg pool to {size}x{size}"
        case Activation(function):
            return function
        case BatchNorm():
            return "norm"
        case LocalResponse():
            return "local response"
        case StochasticDepth():
            return "stochastic depth"
    return type(node.op).__name__.lower()


def _receptive_fields(graph: Graph) -> list[tuple[int, int]]:
    """(receptive field, stride) of each node in pixels of the image; of several paths the widest counts.

    A window of k over steps of j pixels adds (k − 1)·j to the field, and its stride multiplies j.
    """
    fields: list[tuple[int, int]] = []
    for node in graph.nodes:
        if not node.inputs:
            fields.append((1, 1))
            continue
        sources = node.inputs[:1] if isinstance(node.op, Scale) else node.inputs
        field = max(fields[i][0] for i in sources)
        step = max(fields[i][1] for i in sources)
        before = graph.nodes[node.inputs[0]].shape
        match node.op:
            case Conv2d() | Pool2d():
                field += (max(node.op.kernel) - 1) * step
                step *= max(node.op.stride)
            case AdaptiveAvgPool(size):
                window = -(-before[1] // size)
                field += (window - 1) * step
                step *= max(1, before[1] // size)
            case Flatten() if len(before) == 3:
                field += (max(before[1:]) - 1) * step
                step *= max(before[1:])
        fields.append((field, step))
    return fields


@dataclass(frozen=True, slots=True)
class Share:
    """What one group of layers costs, and its share of the whole network's, from 0 to 1."""

    name: str
    weights: int
    weights_share: float
    params: int
    params_share: float
    macs: int
    macs_share: float
    flops: int
    flops_share: float
    activation_bytes: int
    activation_share: float


def shares_by_kind(rows: Iterable[Layer]) -> tuple[Share, ...]:
    """Costs by kind of layer, in the order of ``KINDS``; kinds that do not occur are left out."""
    rows = tuple(rows)
    return _shares([(name, [r for r in rows if r.kind == name]) for name in KINDS])


def shares_by_part(rows: Iterable[Layer]) -> tuple[Share, ...]:
    """Costs by part of the network, front to back: ``stem``, ``stages.0`` …, ``head``."""
    groups: dict[str, list[Layer]] = {}
    for row in rows:
        part, *rest = row.path.split(".")
        groups.setdefault(f"{part}.{rest[0]}" if part == "stages" else part, []).append(row)
    return _shares(list(groups.items()))


def shares_by_layer(rows: Iterable[Layer]) -> tuple[Share, ...]:
    """Costs of the layers that hold weights, front to back: the lecture's ``conv1`` … ``fc8``."""
    rows = tuple(row for row in rows if row.weights)
    return _shares([(row.path, [row]) for row in rows])


def _shares(groups: list[tuple[str, list[Layer]]]) -> tuple[Share, ...]:
    names = ("weights", "params", "macs", "flops", "activation_bytes")
    sums = [[sum(getattr(r, n) for r in rows) for n in names] for _, rows in groups]
    totals = [sum(column) for column in zip(*sums, strict=True)]
    result = []
    for (name, rows), values in zip(groups, sums, strict=True):
        if rows:
            pairs = zip(values, totals, strict=True)
            result.append(Share(name, *(x for v, t in pairs for x in (v, v / t if t else 0.0))))  # type: ignore[arg-type]
    return tuple(result)


def layer_memory_bytes(rows: Iterable[Layer]) -> int:
    """The outputs of all layers together: the lecture's "memory", what a forward pass would keep in all."""
    return sum(row.activation_bytes for row in rows)
