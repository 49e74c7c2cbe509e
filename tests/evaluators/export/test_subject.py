"""What is exported when the preprocessing stays outside."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from evaluators.export.subject import Subject, described, spread
from evaluators.export.usage import programs
from tests.evaluators.export.conftest import Exported


@pytest.fixture
def outside(exported: Exported) -> Subject:
    return Subject(exported.run, exported.run.images(), "float")


def test_tensors_go_into_a_graph_without_preprocessing(outside: Subject, exported: Exported) -> None:
    inputs = outside.inputs(outside.images.test[:5])
    assert inputs.shape == (5, 1, 16, 16) and inputs.dtype == np.float32
    inside = Subject(exported.run, outside.images)
    with torch.no_grad():
        wanted = inside.deployed(torch.from_numpy(inside.inputs(outside.images.test[:5])))
        found = outside.program.module()(torch.from_numpy(inputs))
    assert torch.allclose(found[0], wanted[0], atol=1e-6)
    assert torch.equal(found[1], wanted[1])
    assert outside.free == ("batch",)
    assert described(outside.metadata)["preprocessing"]["inside"] is False


def test_the_programs_of_tensors_prepare_them_as_the_training_does(outside: Subject) -> None:
    (text,) = programs(outside, {"onnx"}).values()
    start = text.index("size, mean, std")
    picture = np.zeros((16, 16), np.uint8)
    # The resizing is Pillow's; the rest is compared on an image that needs none.
    lines = re.sub(r"square = .*", "square = picture", text[start : text.index("import onnxruntime")])
    values = {"np": np, "picture": picture}
    exec(lines, values)
    before = outside.run.preprocessing
    wanted = (0 - before.mean[0]) / before.std[0]
    assert values["photos"].shape == (1, 1, 16, 16)
    assert np.allclose(values["photos"], wanted, atol=1e-5)


def test_a_few_are_spread_over_all() -> None:
    assert spread(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert spread(np.arange(3), 4).tolist() == [0, 1, 2]
