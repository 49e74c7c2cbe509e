"""All figures of one look at the test images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from results.calibration import Calibration, fitted_temperature, probabilities
from results.classification import Classification
from results.look import Look
from results.mistakes import confident_mistakes
from tests.results.test_classification import drawn

NAMES = [f"c{i}" for i in range(4)]


def test_the_temperature_is_of_the_validation_images_and_judged_on_the_test_images() -> None:
    test, validation = drawn(80, 4, seed=1), drawn(300, 4, seed=2)
    look = Look.of(test, validation, NAMES)
    assert look.temperature == fitted_temperature(*validation) != fitted_temperature(*test)
    assert look.before.error == Calibration.of(*test).error
    assert look.after.error == Calibration.of(*test, look.temperature).error
    assert look.validation == Classification.of(*validation, NAMES).accuracy
    assert look.mistakes() == confident_mistakes(probabilities(test[0]), test[1])


def test_the_document_holds_every_figure_and_is_json() -> None:
    test = drawn(80, 4, seed=1)
    look = Look.of(test, drawn(100, 4), NAMES)
    told = look.to_json()
    assert json.loads(json.dumps(told)) == told
    accuracy = look.figures.accuracy
    assert (told["accuracy"], told["low"], told["high"]) == (accuracy.value, accuracy.low, accuracy.high)
    assert told["images"] == 80 and np.sum(told["confusion"]) == 80 and "top5_accuracy" not in told
    assert (
        told["classes"][1]["recall_low"] <= told["classes"][1]["recall"] <= told["classes"][1]["recall_high"]
    )
    first = told["mistakes"][0]
    assert NAMES[test[1][first["position"]]] == first["class"] != first["predicted"]
    kept = look.record()["confusion"]
    assert kept["classes"] == NAMES and kept["counts"] == told["confusion"]
    many = Look.of(drawn(80, 12), drawn(80, 12), [f"c{i}" for i in range(12)]).to_json()
    wide = Look.of(drawn(80, 31), drawn(80, 31), [f"c{i}" for i in range(31)])
    assert "confusion" not in wide.record() and "confusion" in wide.to_json()
    assert many["top5_accuracy_low"] < many["top5_accuracy"] < many["top5_accuracy_high"]


def test_few_images_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), (3, 9, 10, 50))
    logits = np.eye(4)[labels] + rng.normal(size=(72, 4))
    wide, few = Look.of((logits, labels), drawn(50, 4), NAMES).warnings()
    assert wide.startswith("72 test images leave ") and "c0 (3), c1 (9): what" in few
    labels = np.repeat(np.arange(4), 1000)
    assert Look.of((np.eye(4)[labels], labels), drawn(50, 4), NAMES).warnings() == []


def test_a_class_without_test_images_has_no_recall() -> None:
    logits, labels = np.eye(4)[:3], np.array([0, 1, 1])
    rows = Look.of((logits, labels), drawn(50, 4), NAMES).rows()
    assert rows[3] == {
        "class": "c3", "images": 0, "predicted": 0, "precision": None,
        "recall": None, "recall_low": None, "recall_high": None,
    }  # fmt: skip
    assert rows[2]["precision"] == pytest.approx(0) and rows[2]["recall"] is None
