"""Labels of any kind become the classes 0 to k − 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.images.labels import labelling
from space.errors import InputError


def of(
    values: list[int], names: tuple[str, ...] | None = None, parts: list[int] | None = None
) -> tuple[object, ...]:
    found = labelling("data x", np.array(values), np.array(parts or [0] * len(values), np.int8), names)
    return found.labels.tolist(), found.classes, found.notes, found.warnings


def test_labels_are_numbered_in_order_and_keep_their_names() -> None:
    assert of([0, 1, 1, 0]) == ([0, 1, 1, 0], ("0", "1"), (), ())
    assert of([3, 99, 17, 3]) == (
        [0, 2, 1, 0],
        ("3", "17", "99"),
        ("labels 3, 17, 99 are the classes 0 to 2",),
        (),
    )
    labels, classes, notes, _ = of([*range(1, 27)])
    assert labels == list(range(26)) and classes[0] == "1" and len(classes) == 26
    assert notes == ("labels 1, 2, 3, 4 … 26 are the classes 0 to 25",)
    assert of([2**32 - 1, 0])[1] == ("0", "4294967295")


@given(st.lists(st.integers(0, 2**63 - 1), min_size=2, max_size=40, unique=True))
def test_there_are_as_many_classes_as_values(values: list[int]) -> None:
    labels, classes, _, _ = of(values)
    assert isinstance(classes, tuple) and isinstance(labels, list)
    assert [int(classes[label]) for label in labels] == values and len(classes) == len(values)


def test_classes_without_images_are_left_out_and_said_so() -> None:
    assert of([0, 2], ("cat", "dog", "owl")) == (
        [0, 1],
        ("cat", "owl"),
        (),
        ("no images of class dog, left out of the classes",),
    )
    assert of([0, 0, 1, 1], parts=[0, 0, 2, 2])[3] == ("no training images of class 1",)


def test_sets_that_cannot_be_learned_are_refused() -> None:
    with pytest.raises(InputError, match="at least two classes, got 'one: 7'"):
        of([7, 7])
    with pytest.raises(InputError, match="at least one image with a label"):
        of([])
    with pytest.raises(InputError, match=r"labels in 0\.\.1, as it names classes, got 2"):
        of([0, 2], ("a", "b"))
