"""Architecture → one graph of primitive operations."""

from __future__ import annotations

from dataclasses import replace

from space.architecture import Architecture
from space.graph import Graph, Node
from space.operations import Input


def lower(architecture: Architecture) -> Graph:
    """The whole network as one graph, auxiliary classifiers included; node paths are ``stages.1.0.expand.conv``."""
    size = architecture.resolution
    shape = (architecture.in_channels, size, size)
    nodes = [Node(Input(shape), (), shape, "input")]
    auxiliaries: list[tuple[int, float]] = []
    misfits: list[str] = []
    last = 0
    for path, _, segment in architecture.segments():
        place = {0: last}
        for index, node in enumerate(segment.graph.nodes[1:], start=1):
            place[index] = len(nodes)
            nodes.append(
                replace(node, inputs=tuple(place[i] for i in node.inputs), path=f"{path}.{node.path}")
            )
        auxiliaries += [(place[i], weight) for i, weight in segment.graph.auxiliaries]
        misfits += segment.misfits(path)
        last = place[segment.graph.output]
    return Graph(tuple(nodes), last, tuple(auxiliaries), tuple(misfits))
