"""The names of formats."""

from __future__ import annotations

import pytest

from evaluators.export import format as module
from evaluators.export.format import chosen_formats, formats
from space.errors import InputError


def test_formats_are_chosen_by_name_in_the_order_of_the_table() -> None:
    assert [form.name for form in chosen_formats(" onnx,torch,onnx")] == ["torch", "onnx"]
    assert [form.name for form in chosen_formats("torch", int8=True)] == ["torch", "int8"]


def test_no_two_formats_write_the_same_first_file() -> None:
    first = [form.files[0] for form in formats().values()]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("text", ["onx", "torch,tflite", "int8", "", ","])
def test_unknown_formats_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(InputError, match=r"--to: .*(nearest|known|torch, onnx)"):
        chosen_formats(text)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "onnxscript" else True)
    wanted = r"wanted onnxscript installed \(pip install 'nascale\[export\]'\)"
    with pytest.raises(InputError, match=f"--to onnx: {wanted}"):
        chosen_formats("torch,onnx")
    with pytest.raises(InputError, match=f"--int8: {wanted}"):
        chosen_formats("torch", int8=True)
    assert [form.name for form in chosen_formats("torch")] == ["torch"]
