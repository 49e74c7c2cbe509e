"""The names that timm's models give to the weights of the same blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from space.architecture import Architecture
from space.blocks import Block, Conv, Dense
from space.graph import Graph
from space.operations import BatchNorm, Conv2d, Linear

_GATE = {"se.reduce": "se.conv_reduce", "se.expand": "se.conv_expand"}
# By the kind of block string: our layers, and timm's.
_LAYERS: dict[str, dict[str, str]] = {
    "ds": {
        "depthwise.conv": "conv_dw",
        "depthwise.norm": "bn1",
        "project.conv": "conv_pw",
        "project.norm": "bn2",
    },
    "ir": {
        "expand.conv": "conv_pw",
        "expand.norm": "bn1",
        "depthwise.conv": "conv_dw",
        "depthwise.norm": "bn2",
        "project.conv": "conv_pwl",
        "project.norm": "bn3",
    },
    "er": {
        "expand.conv": "conv_exp",
        "expand.norm": "bn1",
        "project.conv": "conv_pwl",
        "project.norm": "bn2",
    },
    "cn": {"conv": "conv", "norm": "bn1", "conv.conv": "conv", "conv.norm": "bn1"},
    "uir": {
        f"{ours}.{layer}": f"{theirs}.{timm_layer}"
        for ours, theirs in (
            ("start", "dw_start"),
            ("expand", "pw_exp"),
            ("middle", "dw_mid"),
            ("project", "pw_proj"),
            ("end", "dw_end"),
        )
        for layer, timm_layer in (("conv", "conv"), ("norm", "bn"))
    },
}
_LAYERS["dsa"] = _LAYERS["ds"]
_STATE = {
    Conv2d: ("weight", "bias"),
    Linear: ("weight", "bias"),
    BatchNorm: ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
}


def timm_names(architecture: Architecture, *, efficient_head: bool) -> Iterator[tuple[str, str]]:
    """(name of a weight in nascale's network, its name in timm's) for every weight.

    ``efficient_head`` is that of MobileNetV3 and V4, where a layer stands behind the pool, and the convolution in front
    of the pool is the last stage.
    """
    channels = architecture.in_channels
    heads = _heads(architecture, efficient_head)
    for path, block, segment in architecture.segments():
        if path.startswith("stem."):
            layers: Mapping[str, str] = {"conv": "conv_stem", "norm": "bn1"}
        elif path.startswith("head."):
            layers = heads.get(path, {})
        else:
            string = block.to_string(channels)
            assert string is not None
            place = path.replace("stages.", "blocks.")
            layers = {o: f"{place}.{t}" for o, t in (_LAYERS[string.kind] | _GATE).items()}
        channels = segment.shape[0]
        yield from _states(path, segment.graph, layers)


def _heads(architecture: Architecture, efficient_head: bool) -> dict[str, Mapping[str, str]]:
    """The layers of each block of the head: a convolution, one behind the pool, the classifier."""
    weighty: list[tuple[str, Block]] = [
        (path, block)
        for path, block in architecture.named_blocks()
        if path.startswith("head.") and isinstance(block, Conv | Dense)
    ]
    found: dict[str, Mapping[str, str]] = {weighty.pop()[0]: {"linear": "classifier"}}
    if efficient_head:
        path, _ = weighty.pop()
        found[path] = {"conv": "conv_head", "norm": "norm_head", "linear": "conv_head"}
        place = f"blocks.{len(architecture.stages)}.0"
        found |= {path: {"conv": f"{place}.conv", "norm": f"{place}.bn1"} for path, _ in weighty}
    else:
        found |= {path: {"conv": "conv_head", "norm": "bn2"} for path, _ in weighty}
    return found


def _states(path: str, graph: Graph, layers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for node in graph.nodes:
        for state in _STATE.get(type(node.op), ()):
            if state == "bias" and isinstance(node.op, Conv2d | Linear) and not node.op.bias:
                continue
            yield f"{path}.{node.path}.{state}", f"{layers[node.path]}.{state}"
