"""Reads a source into an ``ImageSet``: decoded once to bytes, split once, then shared.

Decoded pictures are kept in the cache folder. A set larger than the memory limit stays in a file there and is mapped,
not read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.cache import cache_folder, unwritable, writable_cache
from evaluators.images.image_set import ImageSet
from evaluators.images.source import Source
from evaluators.images.sources import open_source
from evaluators.images.splits import split
from space.errors import InputError

_COPIED = 4096
_MEMORY_SHARE = 0.25
_MEMORY_UNKNOWN = 2**31


def load(
    text: str,
    *,
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    size: int | None = None,
    skip_bad: bool = False,
    cache: str | Path | None = None,
    memory_limit: int | None = None,
) -> ImageSet:
    """The image set that ``text`` names: ``digits``, ``npz:FILE``, ``folder:DIR`` … (``images.sources.SOURCES``).

    ``validation`` and ``test`` are the shares drawn if the source has no such split; validation images are
    drawn from the training images. ``size`` is the side in pixels to which pictures are decoded.
    ``skip_bad`` leaves unreadable pictures out. ``cache`` is the folder of decoded images (``NASCALE_CACHE``,
    else ``~/.cache/nascale``); sets of more than ``memory_limit`` bytes (a quarter of memory) stay there.

    Raises InputError naming the file, for anything that cannot be used.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise InputError.of(name, "a share in (0, 1)", share)
    source = open_source(text, size=size, skip_bad=skip_bad)
    limit = _memory_limit() if memory_limit is None else memory_limit
    content = _content(source, cache_folder(cache), limit)
    _check_labels(source, content.labels)
    splits = split(
        content.labels, content.parts, seed=seed, validation=validation, test=test, source=source.name
    )
    return ImageSet(
        text,
        content.images,
        content.labels,
        *splits,
        source.classes,
        content.checksum,
        settings={"seed": seed, "validation_share": validation, "test_share": test},
        skipped=tuple(source.skipped),
    )


@dataclass(frozen=True, eq=False)
class _Content:
    """What a source holds; ``parts`` as in ``split``, the checksum is of images and labels."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    parts: NDArray[np.int8]
    checksum: str


def _content(source: Source, cache: Path, limit: int) -> _Content:
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
        source.skipped[:] = [str(name) for name in kept["skipped"]]
    return _Content(np.load(file, mmap_mode="r" if large else None), labels, parts, checksum)


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
            skipped=np.array(source.skipped, dtype=np.str_),
        )
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)


def _read(source: Source, images: NDArray[np.uint8]) -> _Content:
    """Reads the source's chunks into ``images``; what is returned holds the filled part of it."""
    labels = np.empty(source.count, np.int64)
    parts = np.empty(source.count, np.int8)
    digest = blake2b(digest_size=16)
    filled = 0
    for chunk, targets, part in source.chunks():
        end = filled + len(chunk)
        images[filled:end], labels[filled:end], parts[filled:end] = chunk, targets, part
        digest.update(np.ascontiguousarray(chunk).tobytes())
        digest.update(np.ascontiguousarray(targets, dtype=np.int64).tobytes())
        filled = end
    if isinstance(images, np.memmap):
        images.flush()
    return _Content(images[:filled], labels[:filled], parts[:filled], digest.hexdigest())


def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    writable_cache(path.parent)
    try:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    except OSError as error:
        raise unwritable(path, error) from None


def _check_labels(source: Source, labels: NDArray[np.int64]) -> None:
    if len(labels) == 0:
        raise InputError.of(source.name, "at least one image", "none")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(source.classes):
        raise InputError.of(source.name, f"labels in 0..{len(source.classes) - 1}", low if low < 0 else high)
    if len(source.classes) < 2:
        raise InputError.of(source.name, "at least two classes", len(source.classes))


def _memory_limit() -> int:
    """The bytes that an image set may take in memory."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE)
    except (ValueError, OSError):
        return _MEMORY_UNKNOWN
