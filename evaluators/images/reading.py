"""Reads the images of a source: decoded once to bytes, then kept in the cache folder.

A set larger than the memory limit stays in a file there and is mapped, not read.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.images.image_cache import Content, opened, writing
from evaluators.images.source import Source
from evaluators.machine import memory_bytes

_MEMORY_SHARE = 0.25
_MEMORY_UNKNOWN = 2**31


def read_content(source: Source, cache: Path, limit: int) -> Content:
    """Reads a source: into memory, or into the cache if decoding is slow or the images exceed ``limit`` bytes.

    Raises InputError naming the cache where it cannot be written, or has no room for the images.
    """
    shape = (source.count, *source.shape)
    large = prod(shape) > limit
    if not source.fingerprint or not (source.slow or large):
        images = np.empty(shape, np.uint8)

        def fill(start: int, chunk: NDArray[np.uint8]) -> None:
            images[start : start + len(chunk)] = chunk

        labels, parts, checksum, unlabelled = _read(source, fill)
        return Content(images[: len(labels)], labels, parts, checksum, unlabelled)
    file = cache / f"{source.fingerprint}.npy"
    kept = opened(file, mapped=large)
    if kept is None:
        with writing(file, shape) as images_file:
            images_file.finish(*_read(source, images_file.append), source.bad)
        kept = opened(file, mapped=large)
        assert kept is not None, f"{file} was written and cannot be read"
    content, source.bad[:] = kept
    return content


def memory_limit() -> int:
    """The bytes that an image set may take in memory."""
    there = memory_bytes()
    return _MEMORY_UNKNOWN if there is None else int(there * _MEMORY_SHARE)


def _read(
    source: Source, take: Callable[[int, NDArray[np.uint8]], None]
) -> tuple[NDArray[np.int64], NDArray[np.int8], str, Counter[int]]:
    """(labels, parts, checksum, images without a label by part); ``take`` is given the place and the images of each chunk."""
    labels = np.empty(source.count, np.int64)
    parts = np.empty(source.count, np.int8)
    digest = blake2b(digest_size=16)
    unlabelled: Counter[int] = Counter()
    filled = 0
    with warnings.catch_warnings():
        # Pillow warns of odd but readable files; those that cannot be read raise, and are named.
        warnings.simplefilter("ignore")
        for chunk, targets, part in source.chunks():
            known = targets >= 0
            if not known.all():
                unlabelled[part] += int((~known).sum())
                chunk, targets = chunk[known], targets[known]
            end = filled + len(chunk)
            take(filled, chunk)
            labels[filled:end], parts[filled:end] = targets, part
            digest.update(np.ascontiguousarray(chunk).tobytes())
            digest.update(np.ascontiguousarray(targets, dtype=np.int64).tobytes())
            filled = end
    return labels[:filled], parts[:filled], digest.hexdigest(), unlabelled
