"""Receptive fields: closed forms, published figures, and the pixels that reach one output by autograd."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import nn

from evaluators.network import build
from space import zoo
from space.architecture import Architecture, Stage
from space.blocks import Block, Conv, Dense, GlobalPool, Parallel, Pool
from space.graph import Graph, Node
from space.layers import Layer, layers
from space.lowering import lower
from space.operations import Concat, Input, Pool2d, Scale
from space.receptive_field import receptive_fields
from space.rounding import EXACT
from space.scaling import scale
from space.spaces import SPACES
from space.spaces import space as search_space

# google-research/receptive_field, README: the field of the last feature map (VGG-16's after its last pool).
# resnet_v1_50 is 483 there, with the stride in the first 1×1 of a stage; in the 3×3, as here and in torchvision,
# each of the three strided blocks sees 2 positions less: 483 − 2·4 − 2·8 − 2·16.
PUBLISHED = {"mobilenet_v1": 315, "inception_v3": 1311, "vgg16": 212, "resnet50": 427}


def rows_of(*blocks: Block, resolution: int = 32) -> tuple[Layer, ...]:
    head = (GlobalPool(), Dense())
    return layers(Architecture((Conv(16),), (Stage(blocks),), head, resolution, 10))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_fields(name: str) -> None:
    rows = layers(zoo.architecture(name))
    before_the_pool = next(row for row in reversed(rows) if row.path.startswith("stages"))
    assert (before_the_pool.receptive_height, before_the_pool.receptive_width) == (PUBLISHED[name],) * 2
    assert max(row.receptive_field for row in rows) == PUBLISHED[name]


def test_three_3x3_see_as_much_as_one_7x7() -> None:
    stem = 3
    assert rows_of(*(Conv(16),) * 3)[3].receptive_field == stem + 6
    assert rows_of(Conv(16, 7))[1].receptive_field == stem + 6


def test_1x7_and_7x1_see_7x7() -> None:
    stem, row, column = rows_of(Conv(16, (1, 7)), Conv(16, (7, 1)))[:3]
    assert (stem.receptive_height, stem.receptive_width) == (3, 3)
    assert (row.receptive_height, row.receptive_width, row.receptive_field) == (3, 9, 9)
    assert (column.receptive_height, column.receptive_width, column.receptive_field) == (9, 9, 9)


def test_strides_multiply_and_widen_later_windows() -> None:
    rows = rows_of(Conv(16, 3, 2), Pool("max", 3, 2), Conv(16, 5))
    assert [(row.receptive_field, row.stride) for row in rows[:4]] == [(3, 1), (5, 2), (9, 4), (25, 4)]


def test_what_sees_the_whole_image_carries_the_field_on() -> None:
    rows = rows_of(Conv(16, 3, 2))
    assert [row.kind for row in rows] == ["conv", "conv", "pool", "linear"]
    assert [row.receptive_field for row in rows] == [3, 5, 5, 5]


def test_branches_that_look_in_different_directions_add_up() -> None:
    """A window over the pixel and the next, beside one over the pixel and the one before: three pixels."""
    shape = (4, 8, 8)
    after, before = (Pool2d("avg", (2, 2), (1, 1), (p, p)) for p in (0, 1))
    graph = Graph(
        (
            Node(Input(shape), (), shape, "input"),
            Node(after, (0,), shape, "after"),
            Node(before, (0,), shape, "before"),
            Node(Concat(), (1, 2), (8, 8, 8), "concat"),
        ),
        3,
    )
    field = receptive_fields(graph)[3]
    assert (field.height.first, field.height.last, field.height.extent) == (-1, 1, 3)


def average_pools_without_gates(graph: Graph) -> Graph:
    """The graph with averages for maxima, which would hide pixels from autograd, and without its gates.

    A gate sees the whole image, so each ``Scale`` becomes a 1×1 average of the map alone.
    """

    def node(old: Node) -> Node:
        if isinstance(old.op, Scale):
            return replace(old, op=Pool2d("avg", (1, 1), (1, 1)), inputs=old.inputs[:1])
        if isinstance(old.op, Pool2d):
            return replace(old, op=replace(old.op, kind="avg"))
        return old

    return Graph(tuple(map(node, graph.nodes)), graph.output)


def seen_by_autograd(graph: Graph, target: int) -> tuple[list[int], list[int]]:
    """([first row, last row], [first column, last column]) that reach the centre of node ``target``.

    Weights are positive and the image is nearly black, so that no path is lost to a non-linearity's flat part.
    """
    network = build(Graph(graph.nodes, target)).double().eval()
    for child in network.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.constant_(child.weight, 1 / child.weight[0].numel())
            if child.bias is not None:
                nn.init.zeros_(child.bias)
    image = torch.full((1, *graph.nodes[0].shape), 1e-6, dtype=torch.float64, requires_grad=True)
    output = network(image)
    _, _, height, width = output.shape
    output[0, :, height // 2, width // 2].sum().backward()
    assert image.grad is not None
    reached = image.grad[0].abs().sum(0) > 0
    rows, columns = (reached.any(axis).nonzero().flatten() for axis in (1, 0))
    return [int(rows[0]), int(rows[-1])], [int(columns[0]), int(columns[-1])]


def check_by_autograd(architecture: Architecture, path: str) -> None:
    """Compares the field of the node at ``path`` with autograd's, on an image that holds it whole."""
    graph = average_pools_without_gates(lower(architecture))
    index = next(i for i, node in enumerate(graph.nodes) if node.path == path)
    field = receptive_fields(graph)[index]
    rows, columns = seen_by_autograd(graph, index)
    for span, seen, size in zip(
        (field.height, field.width), (rows, columns), graph.nodes[index].shape[1:], strict=True
    ):
        centre = size // 2 * span.step
        assert seen == [span.first + centre, span.last + centre]


def check_the_deepest_that_fits(architecture: Architecture, pixels: int = 200) -> None:
    """Checks the last node whose field is at most ``pixels`` wide, on a network of few channels."""
    thin = scale(architecture, width=0.1, rounding=EXACT)
    fields = receptive_fields(lower(thin))
    maps = [i for i, node in enumerate(lower(thin).nodes) if node.path.startswith("stages")]
    last = max(i for i in maps if max(fields[i].height.extent, fields[i].width.extent) <= pixels)
    large = thin.replace(resolution=pixels + 3 * fields[last].height.step)
    check_by_autograd(large, lower(thin).nodes[last].path)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SPACES)
def test_random_networks_of_every_space_by_autograd(name: str, seed: int) -> None:
    space = search_space(name, in_channels=1, bounds={"macs": 5e6})
    check_the_deepest_that_fits(space.decode(space.sample(random.Random(seed))))


@pytest.mark.parametrize("path", ["branch1.1.conv", "branch2.0.conv", "concat"])
def test_unequal_sides_by_autograd(path: str) -> None:
    branches = Parallel(((Conv(4, (1, 7)), Conv(4, 3)), (Conv(4, (5, 1)),), (Pool("max", 3, 1),)))
    network = Architecture(
        (Conv(4, 3, 2),), (Stage((branches, Conv(4, (7, 1), 2))),), (GlobalPool(), Dense()), 96, 10, 1
    )
    check_by_autograd(network, f"stages.0.0.{path}")
    check_by_autograd(network, "stages.0.1.act")


@pytest.mark.parametrize("name", ["inception_v3", "resnet50", "mobilenet_v2"])
def test_published_networks_by_autograd(name: str) -> None:
    check_the_deepest_that_fits(zoo.architecture(f"{name}@in_channels=1"))
