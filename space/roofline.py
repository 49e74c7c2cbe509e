"""The roofline: how fast a machine could run a network, from two numbers measured on it.

An operation cannot be faster than its arithmetic at the machine's peak, nor than its bytes at the
machine's bandwidth (Williams et al. 2009). The estimate takes the larger of the two for every operation,
each reading its inputs and writing its output as an eager runtime does, and adds them up. It does not
model caches, dispatch, or how well a kernel uses the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from space.architecture import Architecture
from space.cost import check_memory_settings
from space.errors import InputError
from space.graph import Graph
from space.lowering import lower


@dataclass(frozen=True, slots=True)
class Machine:
    """A device with ``threads`` threads: its peak in FLOP per second, its bandwidth in bytes per second."""

    name: str
    threads: int
    flops_per_second: float
    bytes_per_second: float

    def __post_init__(self) -> None:
        for argument in ("flops_per_second", "bytes_per_second"):
            if not getattr(self, argument) > 0:
                raise InputError.of(f"Machine.{argument}", "a positive rate", getattr(self, argument))

    @property
    def ridge(self) -> float:
        """The arithmetic intensity, in FLOP per byte, above which arithmetic is the limit."""
        return self.flops_per_second / self.bytes_per_second


def estimate(
    architecture: Architecture, machine: Machine, *, batch: int = 1, dtype: str = "float32"
) -> float:
    """Seconds that one forward pass of ``batch`` images would take at the roofline."""
    return graph_seconds(lower(architecture), machine, batch=batch, dtype=dtype)


def graph_seconds(graph: Graph, machine: Machine, *, batch: int = 1, dtype: str = "float32") -> float:
    """The same for a lowered graph."""
    number_bytes = check_memory_settings(batch, dtype)
    seconds = 0.0
    for index in graph.at_inference():
        node = graph.nodes[index]
        if not node.inputs or node.op.identity_at_inference:
            continue
        inputs = [graph.nodes[i] for i in node.inputs]
        flops = batch * node.op.flops([i.shape for i in inputs], node.shape)
        numbers = batch * (sum(i.elements for i in inputs) + node.elements) + node.op.params
        seconds += max(flops / machine.flops_per_second, numbers * number_bytes / machine.bytes_per_second)
    return seconds
