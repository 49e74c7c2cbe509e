"""``int8``: the ONNX graph with weights and activations of 8 bits, chosen after the training.

Static quantisation by onnxruntime of convolutions and linear layers: weights per output channel, activations by the mean
of the ranges that they take on batches of training images. What is between them stays in float, and so does the
preprocessing: it holds few operations, and quantising it too cost accuracy in networks with swish. Weights use 7 of the 8
bits: processors without VNNI add two products of 8 bits in 16, which overflow; on one with AVX2 alone that cost 3 points
of accuracy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.export.format import Format
from evaluators.export.formats.onnx_graph import ONNX
from evaluators.export.quiet import quiet
from evaluators.export.subject import Subject, spread

if TYPE_CHECKING:
    import onnx

CALIBRATION = 256
"""Training images from which the ranges of the activations are taken."""
_BATCH = 32


def write(subject: Subject, folder: Path) -> None:
    """Writes the quantised graph; makes the float one for it."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Training(CalibrationDataReader):  # type: ignore[misc]
        """Training images, a batch at a time."""

        def __init__(self) -> None:
            self.batches = batches(subject)

        def get_next(self) -> dict[str, Any] | None:
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as place, quiet():
        whole = folder / ONNX.files[0]
        if not whole.exists():
            ONNX.write(subject, Path(place))
            whole = Path(place) / ONNX.files[0]
        quantize_static(
            whole,
            folder / INT8.files[0],
            Training(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["Conv", "Gemm", "MatMul"],
            extra_options={"CalibMovingAverage": True},
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept_float(onnx.load(whole)),
        )


def batches(subject: Subject) -> Iterator[dict[str, Any]]:
    """The calibration images as inputs of the graph."""
    chosen = spread(subject.images.train, CALIBRATION)
    for start in range(0, len(chosen), _BATCH):
        yield {"images": subject.inputs(chosen[start : start + _BATCH])}


def kept_float(model: onnx.ModelProto) -> list[str]:
    """The names of the nodes outside the network: those before its first convolution, and softmax and argmax."""
    nodes = list(model.graph.node)
    first = next(i for i, node in enumerate(nodes) if node.op_type == "Conv")
    assert [node.op_type for node in nodes[-2:]] == ["Softmax", "ArgMax"]
    return [node.name for node in (*nodes[:first], *nodes[-2:])]


INT8 = Format(
    name="int8",
    description="the ONNX graph in 8 bits",
    files=("model_int8.onnx",),
    write=write,
    runner="onnx",
    rank=6,
    needs=ONNX.needs,
    quantised=True,
)
