"""The graph of primitive operations that every network is lowered to, and the builder that blocks talk to.

A block (``space.blocks``) says once which operations (``space.operations``) it is made of by calling a
``GraphBuilder``. The cost model (``space.cost``), the canonical key and the torch builder
(``evaluators.network``) all read the resulting ``Graph``, so they cannot disagree about what a network is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod

from space.errors import ShapeError
from space.operations import Activation, BatchNorm, Conv2d, Input, Operation, Pair, Shape


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it does, the nodes it reads, the shape it gives, and its dotted path."""

    op: Operation
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
    classifiers, which exist in training only. ``misfits`` says of those that do not fit their feature map why they
    are not in the graph: it serves inference, and training refuses it.
    """

    nodes: tuple[Node, ...]
    output: int
    auxiliaries: tuple[tuple[int, float], ...] = ()
    misfits: tuple[str, ...] = ()

    def input_shapes(self, index: int) -> list[Shape]:
        """The shapes that node ``index`` reads."""
        return [self.nodes[source].shape for source in self.nodes[index].inputs]

    def consumers(self) -> list[list[int]]:
        """For each node, the nodes that read it, in order."""
        readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                readers[source].append(index)
        return readers

    def at_inference(self) -> set[int]:
        """The nodes that run at inference: all but those that only the auxiliary classifiers need.

        Idle ones, which neither the output nor a classifier needs, are among them (``space.blocks.cell``).
        """
        everything = set(range(len(self.nodes)))
        if not self.auxiliaries:
            return everything
        heads = self.needed_for(*(index for index, _ in self.auxiliaries))
        return everything - (heads - self.needed_for(self.output))

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
    misfits: list[str] = field(default_factory=list)
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

    def add(self, op: Operation, *inputs: int, name: str) -> int:
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

    def auxiliary(self, classifier: Callable[[], int], weight: float) -> None:
        """Adds an auxiliary classifier, whose nodes ``classifier`` adds and whose loss counts ``weight``.

        One that does not fit its feature map leaves no nodes behind, only a line in ``misfits``.
        """
        before = len(self.nodes)
        try:
            self.auxiliaries.append((classifier(), weight))
        except ShapeError as error:
            del self.nodes[before:]
            self.misfits.append(str(error))

    def graph(self, output: int) -> Graph:
        return Graph(tuple(self.nodes), output, tuple(self.auxiliaries), tuple(self.misfits))


def pair(value: int | Pair) -> Pair:
    """``3`` → ``(3, 3)``; a pair stays itself."""
    return (value, value) if isinstance(value, int) else value
