"""Between which values each tensor of a network lies, as far as its last non-linearity tells."""

from __future__ import annotations

from math import inf

from space.graph import Graph
from space.growth.chains import ANY, Bounds
from space.operations import Activation, AdaptiveAvgPool, Add, Concat, Pool2d, Scale, Zero

_OF = {
    "relu": (0.0, inf),
    "relu6": (0.0, 6.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
}


def bounds(graph: Graph) -> list[Bounds]:
    """(least, largest) of each node's values."""
    found: list[Bounds] = []
    for node in graph.nodes:
        of = [found[i] for i in node.inputs]
        match node.op:
            case Activation(function):
                found.append(_OF.get(function, ANY))
            case Add():
                found.append((sum(low for low, _ in of), sum(high for _, high in of)))
            case Concat():
                found.append((min(low for low, _ in of), max(high for _, high in of)))
            case Scale() if of[1] == (0.0, 1.0):
                found.append((min(of[0][0], 0.0), max(of[0][1], 0.0)))
            case Pool2d() | AdaptiveAvgPool():
                found.append(of[0])
            case Zero():
                found.append((0.0, 0.0))
            case op:
                found.append(of[0] if op.identity_at_inference else ANY)
    return found
