"""Which validation images a network has right, as a trial keeps it: two networks are then compared image by image."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RIGHT = "right_images"
"""The further figure of a measurement that holds it."""


def packed(right: ArrayLike) -> str:
    """True or false for each image as text: how many there are, and a bit for each, in base 64."""
    flags = np.asarray(right, dtype=bool)
    return f"{len(flags)}:{base64.b64encode(np.packbits(flags).tobytes()).decode()}"


def right_images(extra: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """What the further figures of a trial say of it; None where they say nothing that can be read."""
    count, colon, bits = str(extra.get(RIGHT, "")).partition(":")
    if not colon or not count.isdecimal():
        return None
    try:
        flags = np.unpackbits(np.frombuffer(base64.b64decode(bits, validate=True), dtype=np.uint8))
    except ValueError:
        return None
    return flags[: int(count)].astype(bool) if len(flags) >= int(count) else None
