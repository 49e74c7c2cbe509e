"""Answers and how far they are apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.export.certificate import verdict
from evaluators.export.outputs import Agreement, Outputs, agreement, run_outside
from space.errors import RunError


def outputs(logits: list[list[float]]) -> Outputs:
    raised = np.exp(np.array(logits))
    probabilities = (raised / raised.sum(1, keepdims=True)).astype(np.float32)
    return Outputs(probabilities, probabilities.argmax(1), 0.001)


def test_logits_come_back_less_their_mean() -> None:
    logits = np.array([[3.0, -1.0, 4.0], [0.5, 0.25, -6.0]])
    centred = logits - logits.mean(1, keepdims=True)
    assert np.allclose(outputs(logits.tolist()).logits, centred, atol=1e-5)


def test_differences_are_the_largest_of_all_images() -> None:
    reference, found = outputs([[1.0, -1.0], [2.0, -2.0]]), outputs([[1.0, -1.0], [2.1, -2.1]])
    close = agreement(found, reference)
    assert (close.images, close.same_class) == (2, 2)
    assert close.logit_difference == pytest.approx(0.1, abs=1e-5)
    assert close.relative_difference == pytest.approx(0.05, abs=1e-5)
    assert close.probability_difference == pytest.approx(
        abs(1 / (1 + np.exp(-4.2)) - 1 / (1 + np.exp(-4))), abs=1e-6
    )


def test_another_class_is_counted_unless_both_are_equally_likely() -> None:
    reference = outputs([[1.0, 0.0], [1e-7, 0.0], [0.0, 1.0]])
    found = outputs([[0.0, 1.0], [0.0, 1e-7], [0.0, 1.0]])
    assert agreement(found, reference).same_class == 2


def close(same: int = 10, relative: float = 0.0) -> Agreement:
    return Agreement(10, same, 0.0, 0.0, relative)


@pytest.mark.parametrize(
    ("found", "accuracy", "quantised", "message"),
    [
        (close(), 0.8, False, None),
        (close(same=8), 0.8, False, "another class for 2 of 10 photos"),
        (close(relative=2e-4), 0.8, False, "logits differ by 2.0e-04"),
        (close(relative=float("nan")), 0.8, False, "logits differ by nan"),
        (close(same=5, relative=0.3), 0.795, True, None),
        (close(), 0.77, True, "loses 3.0 points"),
        (close(), 0.9, True, None),
    ],
)
def test_verdicts(found: Agreement, accuracy: float, quantised: bool, message: str | None) -> None:
    said = verdict(found, accuracy, 0.8, quantised)
    assert said is None if message is None else message in str(said)


def test_a_file_is_run_where_nascale_cannot_be_imported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no\.onnx: does not run without nascale: .*(NoSuchFile|NO_SUCHFILE)"):
        run_outside("onnx", tmp_path / "no.onnx", np.zeros((1, 8, 8, 1), np.uint8), 1)
