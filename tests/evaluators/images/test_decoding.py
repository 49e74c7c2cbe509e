"""Pictures decoded one by one: chunks by part, bad ones named, counted, and left out on request."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluators.images.decoding import Encoded, decoded_chunks
from evaluators.images.source import LeftOut, SourceRequest
from space.errors import InputError

REQUEST = SourceRequest("data x", "x")


def decode(value: int) -> NDArray[np.uint8] | str:
    return "odd" if value % 2 else np.full((1, 1, 1), value, np.uint8)


def encoded(*values: int) -> list[Encoded[int]]:
    return [Encoded(f"n{value}", value + 1, value // 4 % 2, value) for value in values]


def test_a_block_gives_a_chunk_for_each_part_in_order() -> None:
    blocks = [encoded(4, 0, 2, 6), encoded(8)]
    chunks = list(decoded_chunks(blocks, decode, REQUEST, 5, []))
    found = [(images.ravel().tolist(), labels.tolist(), part) for images, labels, part in chunks]
    assert found == [([0, 2], [1, 3], 0), ([4, 6], [5, 7], 1), ([8], [9], 0)]


def test_bad_pictures_are_all_counted_and_the_first_three_named() -> None:
    blocks = [encoded(1, 3, 4), encoded(5, 7, 8)]
    with pytest.raises(
        InputError, match=r"data x: wanted .*--skip-bad.*4 of 6 that are not: n1 \(odd\); n3 .*; n5 .*; …"
    ):
        list(decoded_chunks(blocks, decode, REQUEST, 6, []))
    skipped: list[LeftOut] = []
    chunks = list(decoded_chunks(blocks, decode, dataclasses.replace(REQUEST, skip_bad=True), 6, skipped))
    assert [images.ravel().tolist() for images, _, _ in chunks] == [[4], [8]]
    assert list(map(str, skipped)) == ["n1 (odd)", "n3 (odd)", "n5 (odd)", "n7 (odd)"]
