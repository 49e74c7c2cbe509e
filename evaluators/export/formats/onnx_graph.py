"""``onnx``: a graph for onnxruntime and other runtimes, made of the same program as the .pt2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.export.format import Format
from evaluators.export.quiet import quiet
from evaluators.export.subject import Subject

if TYPE_CHECKING:
    import onnx

OPSET = 20
"""The version of ONNX's operators (onnx 1.15, November 2023)."""
FREE = ("batch", "height", "width")


def write(subject: Subject, folder: Path) -> None:
    """Writes the graph, checked by onnx."""
    import onnx
    import torch

    path = folder / ONNX.files[0]
    with quiet():
        program = torch.onnx.export(
            subject.program,
            dynamo=True,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["probabilities", "label"],
            verbose=False,
        )
        assert program is not None
        model = program.model_proto
    clean(model, FREE if subject.takes == "uint8" else FREE[:1])
    opset = next(entry.version for entry in model.opset_import if entry.domain == "")
    for name, value in {**subject.metadata, "opset": str(opset)}.items():
        model.metadata_props.add(key=name, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def clean(model: onnx.ModelProto, free: tuple[str, ...]) -> None:
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
