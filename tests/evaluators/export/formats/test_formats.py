"""What the files say of themselves."""

from __future__ import annotations

import json

import onnx
import pytest
import torch

from evaluators.export.formats.onnx_graph import OPSET
from evaluators.export.formats.torch_program import METADATA
from evaluators.export.subject import described
from tests.evaluators.export.conftest import Exported


def onnx_metadata(exported: Exported, name: str) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(exported.folder / name).metadata_props}


@pytest.mark.parametrize("name", ["model.onnx", "model_int8.onnx"])
def test_a_graph_says_its_classes_its_preprocessing_and_its_opset(exported: Exported, name: str) -> None:
    metadata = onnx_metadata(exported, name)
    assert metadata.pop("opset") == str(OPSET)
    known = described(metadata)
    assert known["classes"] == list(exported.run.classes)
    before = exported.run.preprocessing
    assert known["preprocessing"]["mean"] == list(before.mean)
    assert (known["preprocessing"]["resolution"], known["preprocessing"]["inside"]) == (16, True)
    assert known["costs"]["params"] > 0


def test_a_program_says_the_same(exported: Exported) -> None:
    extra = {METADATA: ""}
    torch.export.load(exported.folder / "model.pt2", extra_files=extra)
    metadata = onnx_metadata(exported, "model.onnx")
    del metadata["opset"]
    assert json.loads(extra[METADATA]) == metadata


def test_the_free_sides_of_a_graph_have_names(exported: Exported) -> None:
    graph = onnx.load(exported.folder / "model.onnx").graph

    def sides(value: onnx.ValueInfoProto) -> list[str | int]:
        return [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]

    assert [(v.name, sides(v)) for v in graph.input] == [("images", ["batch", "height", "width", 1])]
    assert [(v.name, sides(v)) for v in graph.output] == [
        ("probabilities", ["batch", 10]),
        ("label", ["batch"]),
    ]


def test_files_do_not_tell_where_they_were_made(exported: Exported) -> None:
    for path in exported.folder.iterdir():
        content = path.read_bytes()
        assert b"evaluators/" not in content, path
        assert b"site-packages" not in content, path


def test_normalisations_are_folded_and_the_network_is_in_8_bits(exported: Exported) -> None:
    whole = [node.op_type for node in onnx.load(exported.folder / "model.onnx").graph.node]
    assert "BatchNormalization" not in whole
    small = onnx.load(exported.folder / "model_int8.onnx").graph
    scales = {w.name: list(w.dims) for w in small.initializer if w.name.endswith("weight_scale")}
    assert any(dims and dims[0] > 1 for dims in scales.values())  # one for each channel
    for node in small.node:
        if node.op_type == "Conv":
            assert all("DequantizeLinear" in name for name in node.input[:2])
