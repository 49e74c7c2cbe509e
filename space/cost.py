"""What a network costs: parameters, operations and memory, with the unit in every name.

Everything is counted on the lowered graph, one block at a time. The costs of a block depend only on its segment,
so they are counted once per process. The costs of a network are the sums over its segments, which takes tens of
microseconds. Each operation (``space.operations``) counts itself by these rules, all per image:

``params``      weights, biases, and the scale and shift of normalisations; not running statistics.
``macs``        multiply-accumulates of convolutions and linear layers, padding included. Papers of this
                field often print them as "FLOPs".
``flops``       every floating-point operation at inference: 2 per MAC, 1 per bias added, and
                    batch normalisation       2 per element (folded to one scale and one shift)
                    layer normalisation       7 per element (mean, deviation, scale and shift)
                    local response            size + 4 per element (square, sum, ×α, +k, power, divide)
                    relu 1, relu6 2, hard_sigmoid 4, hard_swish 5, sigmoid 4, silu 5, tanh 1, gelu 5 per
                    element, where a comparison, an exponential, a tanh and an erf count one each
                    max pooling               window − 1 per output
                    average pooling           window per output (the sums, and one division)
                    add, scale, layer scale   1 per element of the result
                    concat, flatten, dropout  0
``activations`` numbers put out by convolutions and linear layers. On accelerators they predict run time better
                than MACs do (Radosavović et al. 2020).

Auxiliary classifiers exist in training only: they count in ``auxiliary_params`` and in training memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from space.architecture import Architecture
from space.errors import InputError, UnknownNameError
from space.graph import Graph
from space.limits import LARGEST_NUMBER
from space.measure import Measure, measure, measures
from space.segment import Segment

DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "float8": 1}
"""Bytes of one number, by the name that ``--dtype`` takes."""

OPTIMIZERS = {"sgd": 0, "momentum": 1, "rmsprop": 2, "adam": 2}
"""Numbers kept per parameter beside the weight and its gradient; ``rmsprop`` with momentum, as EfficientNet's."""

_FLOAT32_BYTES, _INT64_BYTES = 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one architecture costs.

    ``macs``, ``flops`` and ``activations`` are per image. ``activation_bytes`` is the peak of tensors alive at
    once at inference, for the whole batch; ``saved_bytes`` what autograd keeps from the forward pass for the
    backward pass; ``training_bytes`` those, the gradients in flight, the weights, their gradients and the
    optimiser's state. ``params`` leaves out the auxiliary classifiers, ``auxiliary_params`` counts them.

    The fields declared with ``measure`` are those that a search knows of every network: columns of a frame,
    objectives and budgets.
    """

    params: int = measure(
        "Int64", "parameters", "minimize", "trained numbers of the network", title="Parameters"
    )
    auxiliary_params: int
    macs: int = measure(
        "Int64",
        "multiply-accumulates per image",
        "minimize",
        "of convolutions and linear layers",
        title="MACs",
    )
    flops: int = measure(
        "Int64",
        "floating-point operations per image",
        "minimize",
        "every operation, 2 per MAC",
        title="FLOPs",
    )
    activations: int
    activation_bytes: int = measure(
        "Int64", "bytes", "minimize", "peak of live tensors at inference, batch 1", title="Activation memory"
    )
    weight_bytes: int
    saved_bytes: int
    training_bytes: int = measure(
        "Int64", "bytes", "minimize", "peak memory of a training step", title="Training memory"
    )

    def searched(self) -> dict[str, int]:
        """The costs that a search knows of every network, by name."""
        return {cost.name: getattr(self, cost.name) for cost in SEARCHED_COSTS}


SEARCHED_COSTS: tuple[Measure, ...] = measures(Costs)
"""The costs that a search knows of every network, in the order of their columns."""

COST_NAMES: tuple[str, ...] = (*(cost.name for cost in SEARCHED_COSTS), "latency_seconds")
"""What a network may cost: the costs above, and the latency that is measured or stands in a table."""


@dataclass(frozen=True, slots=True)
class GraphCosts:
    """The costs of one graph in numbers per image, and what is needed to join it to its neighbours.

    ``peak`` is the most numbers alive at once at inference, ``training_peak`` in the training graph. ``saved``
    counts numbers kept for the backward pass, without the graph's input and output: ``saves_input`` and
    ``saves_output`` say whether those are among them, and ``passes_input`` that the output is the input itself.
    ``saved_indices`` are int64; ``saved_statistics`` are float32 and one per batch, not per image.
    """

    params: int
    auxiliary_params: int
    macs: int
    flops: int
    activations: int
    peak: int
    training_peak: int
    saved: int
    saved_indices: int
    saved_statistics: int
    saves_input: bool
    saves_output: bool
    passes_input: bool
    output_elements: int


def costs(
    architecture: Architecture, *, batch: int = 1, dtype: str = "float32", optimizer: str = "momentum"
) -> Costs:
    """The costs of ``architecture``; memory for ``batch`` images held as ``dtype``.

    Training memory assumes mixed precision where ``dtype`` is not float32: kept tensors and gradients in
    flight as ``dtype``, weights, their gradients and the optimiser's state as float32, and one copy of the
    weights as ``dtype``.

    Raises InputError for a batch below 1 and UnknownNameError for an unknown dtype or optimizer.
    """
    number_bytes = check_memory_settings(batch, dtype)
    if optimizer not in OPTIMIZERS:
        raise UnknownNameError("optimizer", optimizer, OPTIMIZERS)
    params = auxiliary_params = macs = flops = activations = 0
    peak = training_peak = saved = indices = statistics = 0
    boundary, boundary_saved = architecture.in_channels * architecture.resolution**2, False
    for _, _, segment in architecture.segments():
        part = segment_costs(segment)
        params += part.params
        auxiliary_params += part.auxiliary_params
        macs += part.macs
        flops += part.flops
        activations += part.activations
        if part.peak > peak:
            peak = part.peak
        if part.training_peak > training_peak:
            training_peak = part.training_peak
        saved += part.saved
        indices += part.saved_indices
        statistics += part.saved_statistics
        boundary_saved = boundary_saved or part.saves_input
        if not part.passes_input:
            if boundary_saved:
                saved += boundary
            boundary, boundary_saved = part.output_elements, part.saves_output
    if boundary_saved:
        saved += boundary
    saved_bytes = batch * (saved * number_bytes + indices * _INT64_BYTES) + statistics * _FLOAT32_BYTES
    trained = params + auxiliary_params
    master_bytes = trained * _FLOAT32_BYTES * (2 + OPTIMIZERS[optimizer])
    copy_bytes = 0 if dtype == "float32" else trained * number_bytes
    return Costs(
        params=params,
        auxiliary_params=auxiliary_params,
        macs=macs,
        flops=flops,
        activations=activations,
        activation_bytes=peak * batch * number_bytes,
        weight_bytes=params * number_bytes,
        saved_bytes=saved_bytes,
        training_bytes=saved_bytes + training_peak * batch * number_bytes + master_bytes + copy_bytes,
    )


def check_memory_settings(batch: int, dtype: str) -> int:
    """The bytes of one number of ``dtype``; raises for an unknown dtype or a batch below 1."""
    if dtype not in DTYPES:
        raise UnknownNameError("dtype", dtype, DTYPES)
    if not isinstance(batch, int) or isinstance(batch, bool) or not 1 <= batch <= LARGEST_NUMBER:
        raise InputError.of("batch", f"a positive whole number of images up to {LARGEST_NUMBER}", batch)
    return DTYPES[dtype]


@lru_cache(maxsize=200_000)
def segment_costs(segment: Segment) -> GraphCosts:
    """The costs of one lowered block, counted once per process."""
    return graph_costs(segment.graph)


def graph_costs(graph: Graph) -> GraphCosts:
    """The costs of a graph, which may be a block's or a whole network's."""
    inference = graph.at_inference()
    params = auxiliary_params = macs = flops = activations = 0
    for index, node in enumerate(graph.nodes):
        if index not in inference:
            auxiliary_params += node.op.params
            continue
        params += node.op.params
        inputs = graph.input_shapes(index)
        node_macs = node.op.macs(inputs, node.shape)
        if node_macs:
            macs += node_macs
            activations += node.elements
        flops += node.op.flops(inputs, node.shape)
    saved, indices, statistics, kept = _saved(graph)
    roots = _roots(graph, training=True)
    ends = {0, roots[graph.output]}
    return GraphCosts(
        params=params,
        auxiliary_params=auxiliary_params,
        macs=macs,
        flops=flops,
        activations=activations,
        peak=_peak(graph, inference, training=False),
        training_peak=_peak(graph, set(range(len(graph.nodes))), training=True),
        saved=saved + sum(graph.nodes[i].elements for i in kept - ends),
        saved_indices=indices,
        saved_statistics=statistics,
        saves_input=0 in kept,
        saves_output=roots[graph.output] in kept,
        passes_input=roots[graph.output] == 0,
        output_elements=graph.nodes[graph.output].elements,
    )


def _roots(graph: Graph, training: bool) -> list[int]:
    """For each node, the node that owns its memory: an operation that is an identity shares its input's."""
    roots: list[int] = []
    for index, node in enumerate(graph.nodes):
        identity = node.op.identity_in_training if training else node.op.identity_at_inference
        roots.append(roots[node.inputs[0]] if identity else index)
    return roots


def _peak(graph: Graph, run: set[int], training: bool) -> int:
    """The most numbers alive at once when the nodes ``run`` execute in order, each into a new tensor.

    A tensor is freed after its last reader, the input included. Gradients live over the same spans in the
    backward pass, walked the other way, so the peak of a training graph is also that of its gradients.
    """
    roots = _roots(graph, training)
    last_use = {root: root for root in roots}  # what nothing reads is freed at once
    for index, _ in graph.auxiliaries:
        last_use[roots[index]] = len(graph.nodes)
    for index in sorted(run):
        for source in graph.nodes[index].inputs:
            last_use[roots[source]] = index
    last_use[roots[graph.output]] = len(graph.nodes)
    freed: dict[int, list[int]] = {}
    for root, index in last_use.items():
        freed.setdefault(index, []).append(root)
    alive = peak = graph.nodes[0].elements
    for index in sorted(run - {0}):
        if roots[index] == index:
            alive += graph.nodes[index].elements
            peak = max(peak, alive)
        alive -= sum(graph.nodes[root].elements for root in freed.get(index, ()))
    return peak


def _saved(graph: Graph) -> tuple[int, int, int, set[int]]:
    """What autograd keeps: (extra numbers, int64 indices, float32 statistics, nodes whose output is kept).

    A tensor that several operations keep, or a view of it, is kept once.
    """
    roots = _roots(graph, training=True)
    numbers = indices = statistics = 0
    kept: set[int] = set()
    for index, node in enumerate(graph.nodes):
        saved = node.op.saved(node.shape)
        if saved.inputs:
            kept.update(roots[i] for i in node.inputs)
        if saved.result:
            kept.add(roots[index])
        numbers += saved.numbers
        indices += saved.indices
        statistics += saved.statistics
    return numbers, indices, statistics, kept
