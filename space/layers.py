"""The costs of a network by layer, by kind of layer and by part, and its layers as matrix products.

A layer is one operation together with the normalisation, non-linearity and views that only follow it, as
a runtime would fuse them: its inputs and weights are read once and its output is written once. Only what
runs at inference is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from space.architecture import Architecture
from space.cost import check_memory_settings
from space.graph import Graph, Node
from space.lowering import lower
from space.operations import Conv2d, Linear, Shape
from space.receptive_field import ReceptiveField, receptive_fields

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
    a 1×1 convolution of stride 1, whose input already is that matrix).

    ``receptive_height`` and ``receptive_width`` are the pixels of the image that one position of the output sees,
    along the path of convolutions and pools (Araujo et al. 2019, "Computing Receptive Fields of Convolutional
    Neural Networks"); ``receptive_field`` is the larger of the two, and ``stride`` the larger distance in pixels
    between two positions. What sees the whole image (the gates of squeeze-and-excitation, a global pool, linear
    layers) does not enter: behind a global pool the field is that of one position in front of it.
    """

    path: str
    operation: str
    kind: str
    shape: Shape
    receptive_field: int
    stride: int
    receptive_height: int
    receptive_width: int
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
    fields = receptive_fields(graph)
    return tuple(
        _layer(graph, members, fields[members[0]], batch, number_bytes) for members in layer_groups(graph)
    )


def layer_groups(graph: Graph) -> list[list[int]]:
    """The nodes of each layer: its operation first, then what follows it and it alone."""
    run = graph.at_inference()
    readers: dict[int, int] = {}
    for index in run:
        for source in graph.nodes[index].inputs:
            readers[source] = readers.get(source, 0) + 1
    owner: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for index in sorted(run - {0}):
        node = graph.nodes[index]
        source = node.inputs[0]
        fused = readers[source] == 1 and node.op.fuses_behind(graph.nodes[source].op)
        follows = source in owner and (fused or node.op.identity_at_inference)
        owner[index] = owner[source] if follows else index
        groups.setdefault(owner[index], []).append(index)
    return list(groups.values())


def _layer(graph: Graph, members: list[int], field: ReceptiveField, batch: int, number_bytes: int) -> Layer:
    nodes = [graph.nodes[i] for i in members]
    first = nodes[0]
    computing = [node for node in nodes if not node.op.identity_at_inference]
    inputs = sum(graph.nodes[i].elements for i in first.inputs)
    params = sum(node.op.params for node in nodes)
    moved = 0 if first.op.identity_at_inference else batch * (inputs + first.elements) + params
    return Layer(
        path=first.path,
        operation=" + ".join(node.op.words for node in computing) or first.op.words,
        kind=kind(first),
        shape=first.shape,
        receptive_field=max(field.height.extent, field.width.extent),
        stride=max(field.height.step, field.width.step),
        receptive_height=field.height.extent,
        receptive_width=field.width.extent,
        weights=_weights(first),
        params=params,
        macs=first.op.macs(graph.input_shapes(members[0]), first.shape),
        flops=sum(graph.nodes[i].op.flops(graph.input_shapes(i), graph.nodes[i].shape) for i in members),
        activation_bytes=0 if first.op.identity_at_inference else batch * first.elements * number_bytes,
        moved_bytes=moved * number_bytes,
        im2col_bytes=_im2col_elements(first) * batch * number_bytes,
        batch=batch,
        product=matrix_product(first, batch),
    )


def matrix_product(node: Node, batch: int = 1) -> Product | None:
    """The matrix products that a convolution (one per group) or a linear layer is; None for anything else."""
    match node.op:
        case Conv2d() as op:
            positions = node.shape[1] * node.shape[2]
            return Product(op.out_channels // op.groups, batch * positions, op.weights_per_output, op.groups)
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
        return op.out_channels * op.weights_per_output
    return op.in_features * op.out_features if isinstance(op, Linear) else 0


def kind(node: Node) -> str:
    """Which of ``KINDS`` the operation is."""
    if ".se." in f".{node.path}":
        return "squeeze-excite"
    return node.op.layer_kind


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
    everything = tuple(rows)
    found = [(name, [row for row in everything if row.kind == name]) for name in KINDS]

    def part(rows: list[Layer], figure: Callable[[Layer], int]) -> tuple[int, float]:
        """(sum, share of the whole)."""
        total = sum(map(figure, everything))
        own = sum(map(figure, rows))
        return own, own / total if total else 0.0

    return tuple(
        Share(
            name,
            *part(rows, lambda row: row.weights),
            *part(rows, lambda row: row.params),
            *part(rows, lambda row: row.macs),
            *part(rows, lambda row: row.flops),
            *part(rows, lambda row: row.activation_bytes),
        )
        for name, rows in found
        if rows
    )


def layer_memory_bytes(rows: Iterable[Layer]) -> int:
    """The outputs of all layers together: the lecture's "memory", what a forward pass would keep in all."""
    return sum(row.activation_bytes for row in rows)
