"""``onnx``: a graph for onnxruntime and other runtimes, made of the same program as the .pt2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.export.format import Format
from evaluators.export.quiet import quiet
from evaluators.export.subject import Subject

if TYPE_CHECKING:
    import onnx
    from torch.export import ExportedProgram

OPSET = 20
"""The version of ONNX's operators (onnx 1.15, November 2023)."""
OUTPUTS = ("probabilities", "label")


def write(subject: Subject, folder: Path) -> None:
    """Writes the graph, checked by onnx."""
    import onnx

    model = graph_of(subject.program, subject.free, OUTPUTS)
    opset = next(entry.version for entry in model.opset_import if entry.domain == "")
    for name, value in {**subject.metadata, "opset": str(opset)}.items():
        model.metadata_props.add(key=name, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, folder / ONNX.files[0])


def graph_of(program: ExportedProgram, free: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """The ONNX graph of a program with one input, ``images``, of which the first sides are ``free``."""
    import torch

    with quiet():
        made = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(outputs),
            verbose=False,
        )
        assert made is not None
        model: onnx.ModelProto = made.model_proto
    clean(model, free)
    return model


def clean(model: onnx.ModelProto, free: Sequence[str]) -> None:
    """Names the free sides of inputs and outputs; drops what the exporter notes of its own work."""
    graph = model.graph
    names = {
        side.dim_param: name
        for side, name in zip(graph.input[0].type.tensor_type.shape.dim, free, strict=False)
    }
    del graph.value_info[:]  # shapes under the exporter's own names; every reader infers them again
    for value in (*graph.input, *graph.output):
        for side in value.type.tensor_type.shape.dim:
            if side.dim_param:
                side.dim_param = names[side.dim_param]
    for part in (graph, *graph.input, *graph.output, *graph.node, *graph.initializer):
        del part.metadata_props[:]


ONNX = Format(
    name="onnx",
    description=f"an ONNX graph (.onnx, opset {OPSET})",
    files=("model.onnx",),
    write=write,
    runner="onnx",
    rank=2,
    needs=("onnx", "onnxscript", "onnxruntime"),
)
