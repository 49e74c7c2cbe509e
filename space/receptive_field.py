"""The receptive field of each node of a graph: which pixels of the image reach one position of its output.

Height and width are followed apart, so that a 1×7 convolution and a 7×1 behind it see 7×7 pixels. A window of k
positions that lie j pixels apart adds (k − 1)·j to the field, and its stride multiplies j (Araujo et al. 2019,
"Computing Receptive Fields of Convolutional Neural Networks", Distill, eq. 2). Where several paths meet, the field
reaches from the first pixel that any of them sees to the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from space.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Span:
    """The field along one axis: position i of the output sees pixels ``first`` + i·``step`` to ``last`` + i·``step``.

    Pixels below 0 or beyond the image lie in the padding.
    """

    first: int = 0
    last: int = 0
    step: int = 1

    @property
    def extent(self) -> int:
        """Pixels from the first to the last."""
        return self.last - self.first + 1

    def seen_through(self, extent: int, stride: int, padding: int) -> Span:
        """The span behind a window over this one."""
        first = self.first - padding * self.step
        return Span(first, self.last + (extent - 1 - padding) * self.step, self.step * stride)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The field of one node, along both axes."""

    height: Span = Span()
    width: Span = Span()


def receptive_fields(graph: Graph) -> list[ReceptiveField]:
    """The receptive field of each node, in pixels of the graph's input."""
    fields: list[ReceptiveField] = []
    for node in graph.nodes:
        fields.append(_behind(graph, node, fields) if node.inputs else ReceptiveField())
    return fields


def _behind(graph: Graph, node: Node, fields: list[ReceptiveField]) -> ReceptiveField:
    """The field of ``node``, given those of the nodes before it."""
    sources = [fields[i] for i in node.op.receptive_inputs(node.inputs)]
    window = node.op.window(graph.nodes[node.inputs[0]].shape)
    height, width = (
        _union(spans).seen_through(extent, stride, padding)
        for spans, extent, stride, padding in zip(
            ([field.height for field in sources], [field.width for field in sources]),
            window.extent,
            window.stride,
            window.padding,
            strict=True,
        )
    )
    return ReceptiveField(height, width)


def _union(spans: list[Span]) -> Span:
    """From the first pixel of all to the last; paths that meet have one step, or the largest is taken."""
    return Span(min(s.first for s in spans), max(s.last for s in spans), max(s.step for s in spans))
