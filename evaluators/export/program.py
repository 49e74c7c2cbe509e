"""A network as a graph of torch.export: what the .pt2 file holds, and what the ONNX graph is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from evaluators.export.quiet import quiet

FREE = ("batch", "height", "width")
"""The sides of photos, uint8 (batch, height, width, channels), that a graph leaves open."""


def program_of(module: nn.Module, example: Tensor, free: Sequence[str]) -> ExportedProgram:
    """The graph of ``module``, whose first ``len(free)`` sides may be of any length; it must be in evaluation mode.

    The sides of ``example`` that are free must be 2 or more and differ from each other: equal ones and ones count as
    constants of the graph.
    """
    for child in module.modules():
        # What overwrites its input costs the exporters most of their time: they have to undo it.
        if isinstance(child, nn.ReLU | nn.ReLU6):
            child.inplace = False
    shapes: Mapping[int, Dim] = {side: Dim(name) for side, name in enumerate(free)}
    with quiet(), torch.no_grad():
        program = torch.export.export(module, (example,), dynamic_shapes=(shapes,))
    for node in program.graph.nodes:
        # Where each operation was written: lines of this machine's files, of no use elsewhere.
        node.meta.pop("stack_trace", None)
    return program
