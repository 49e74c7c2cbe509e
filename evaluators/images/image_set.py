"""An image set: images as bytes, labels, and three splits as indices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.images.source import LeftOut

_CHUNK = 4096
_elsewhere: ContextVar[bool] = ContextVar("_elsewhere", default=False)


@contextmanager
def carried() -> Iterator[None]:
    """Inside, image sets are pickled with all their images, also where those lie in a file: for machines without that file."""
    token = _elsewhere.set(True)
    try:
        yield
    finally:
        _elsewhere.reset(token)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images as uint8 (n, height, width, channels), labels as int64, and three splits as index arrays.

    The search looks at ``validation``; ``test`` is for the end. ``settings`` are what the splits were drawn with,
    ``origins`` says where each comes from. ``left_out`` names what the source holds and the set does not; ``notes``
    say how the source was read, ``warnings`` what is odd about it. ``decoded_from`` is the commonest shorter side of
    pictures before they were decoded; None where the images are as they were.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    classes: tuple[str, ...]
    checksum: str
    settings: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    decoded_from: int | None = None

    @property
    def own_side(self) -> int:
        """The commonest shorter side of the pictures before they were decoded; that of the images where they were none."""
        return self.decoded_from or self.resolution

    @property
    def resolution(self) -> int:
        """Side of the images in pixels; the shorter one where they are not square."""
        return int(min(self.images.shape[1:3]))

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])

    @property
    def splits(self) -> dict[str, NDArray[np.int64]]:
        """The images of each split, as indices."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(mean, standard deviation) per channel of the training split, on a scale of 0..1."""
        total = np.zeros(self.channels)
        squares = np.zeros(self.channels)
        for start in range(0, len(self.train), _CHUNK):
            chunk = self.images[np.sort(self.train[start : start + _CHUNK])] / 255.0
            total += chunk.sum(axis=(0, 1, 2))
            squares += (chunk**2).sum(axis=(0, 1, 2))
        count = len(self.train) * self.images.shape[1] * self.images.shape[2]
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 1e-12))
        return tuple(float(m) for m in mean), tuple(float(s) for s in std)

    def describe(self) -> dict[str, Any]:
        """Name, checksum, shape and splits, as they are stored with a study."""
        digest = blake2b(digest_size=8)
        for indices in self.splits.values():
            digest.update(np.ascontiguousarray(indices).tobytes())
        return {
            "name": self.name,
            "checksum": self.checksum,
            "images": len(self.images),
            "shape": [int(n) for n in self.images.shape[1:]],
            "classes": len(self.classes),
            "split": {
                **self.settings,
                **{split: len(indices) for split, indices in self.splits.items()},
                "checksum": digest.hexdigest(),
            },
            "skipped": len(self.left_out),
        }

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if isinstance(self.images, np.memmap):
            # A pickled memmap would contain all images. On this machine its path is enough.
            state["images"] = np.asarray(self.images) if _elsewhere.get() else str(self.images.filename)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["images"], str):
            state = {**state, "images": np.load(state["images"], mmap_mode="r")}
        self.__dict__.update(state)
