"""Reads the images of a source: decoded once to bytes, then kept in the cache folder.

A set larger than the memory limit stays in a file there and is mapped, not read.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.cache import unwritable, writable_cache
from evaluators.images.source import LeftOut, Source

_COPIED = 4096
_MEMORY_SHARE = 0.25
_MEMORY_UNKNOWN = 2**31


@dataclass(frozen=True, eq=False)
class Content:
    """The images of a source that have a label; ``unlabelled`` counts the others by part.

    ``parts`` are as in ``splits``; the checksum is of the images and labels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    checksum: str
    unlabelled: Counter[int]


def read_content(source: Source, cache: Path, limit: int) -> Content:
    """Reads a source: into memory, or into the cache if decoding is slow or the images exceed ``limit`` bytes."""
    height, width, channels = source.shape
    shape = (source.count, height, width, channels)
    large = source.count * height * width * channels > limit
    if not source.fingerprint or not (source.slow or large):
        return _read(source, np.empty(shape, np.uint8))
    file = cache / f"{source.fingerprint}.npy"
    if not (file.exists() and file.with_suffix(".npz").exists()):
        _write(source, file, shape)
    with np.load(file.with_suffix(".npz")) as kept:
        labels, parts, checksum = kept["labels"], kept["parts"], str(kept["checksum"])
        source.bad[:] = [LeftOut(str(path), str(why)) for path, why in kept["bad"]]
        unlabelled = Counter({int(part): int(count) for part, count in kept["unlabelled"]})
    return Content(np.load(file, mmap_mode="r" if large else None), labels, parts, checksum, unlabelled)


def memory_limit() -> int:
    """The bytes that an image set may take in memory."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE)
    except (ValueError, OSError):
        return _MEMORY_UNKNOWN


def _write(source: Source, file: Path, shape: tuple[int, ...]) -> None:
    """Reads a source into ``file``, and everything but the images into an npz file beside it."""
    partial = file.with_suffix(f".{os.getpid()}.part")
    try:
        content = _read(source, _mapped(partial, shape))
        if len(content.images) < source.count:
            # Bad pictures were left out: the file is rewritten at its true length.
            shorter = _mapped(partial.with_suffix(".short"), content.images.shape)
            for start in range(0, len(content.images), _COPIED):
                shorter[start : start + _COPIED] = content.images[start : start + _COPIED]
            shorter.flush()
            os.replace(partial.with_suffix(".short"), partial)
        np.savez(
            file.with_suffix(".npz"),
            labels=content.labels,
            parts=content.parts,
            checksum=np.array(content.checksum),
            bad=np.array([(one.path, one.why) for one in source.bad], dtype=np.str_).reshape(-1, 2),
            unlabelled=np.array(list(content.unlabelled.items()), dtype=np.int64).reshape(-1, 2),
        )
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _read(source: Source, images: NDArray[np.uint8]) -> Content:
    """Reads the source's chunks into ``images``; what is returned holds the filled part of it."""
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
            images[filled:end], labels[filled:end], parts[filled:end] = chunk, targets, part
            digest.update(np.ascontiguousarray(chunk).tobytes())
            digest.update(np.ascontiguousarray(targets, dtype=np.int64).tobytes())
            filled = end
    if isinstance(images, np.memmap):
        images.flush()
    return Content(images[:filled], labels[:filled], parts[:filled], digest.hexdigest(), unlabelled)


def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    writable_cache(path.parent)
    try:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    except OSError as error:
        raise unwritable(path, error) from None
