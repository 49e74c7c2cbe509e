"""Image sets: decoded once to uint8, split once, then shared.

``load("digits")`` gives an ``ImageSet``: one array of images (n, height, width, channels), one of labels,
and the index arrays of the training, validation and test splits. The validation split is what a search
looks at; the test split is for the end. Where the source brings no split of its own, it is stratified and
drawn from a seed. Sets larger than memory stay in a file and are mapped, not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.image_sources import PARTS, SOURCES, Source
from space.errors import InputError, UnknownNameError

_CHUNK = 4096
_MEMORY_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images as uint8 (n, height, width, channels), labels as int64, and three splits as index arrays.

    ``settings`` are what the split was drawn with; ``skipped`` names the images that could not be read.
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
    skipped: tuple[str, ...] = ()

    @property
    def resolution(self) -> int:
        """Side of the images in pixels; the shorter one where they are not square."""
        return int(min(self.images.shape[1:3]))

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])

    @property
    def mapped(self) -> bool:
        """Whether the images stay in a file."""
        return isinstance(self.images, np.memmap)

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

    def class_counts(self, split: str = "train") -> NDArray[np.int64]:
        """Images per class in a split."""
        return np.bincount(self.labels[getattr(self, split)], minlength=len(self.classes))

    def describe(self) -> dict[str, Any]:
        """Name, checksum, shape and splits, as a study keeps them. The split is a function of these settings."""
        digest = blake2b(digest_size=8)
        for split in PARTS:
            digest.update(np.ascontiguousarray(getattr(self, split)).tobytes())
        return {
            "name": self.name,
            "checksum": self.checksum,
            "images": len(self.images),
            "shape": [int(n) for n in self.images.shape[1:]],
            "classes": len(self.classes),
            "split": {
                **self.settings,
                **{split: len(getattr(self, split)) for split in PARTS},
                "checksum": digest.hexdigest(),
            },
            "skipped": len(self.skipped),
        }

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if isinstance(self.images, np.memmap):
            # A pickled memmap would carry its whole content; the path is enough where the disk is shared.
            state["images"] = str(self.images.filename)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["images"], str):
            state = {**state, "images": np.load(state["images"], mmap_mode="r")}
        self.__dict__.update(state)


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
    """The image set that ``text`` names: ``digits``, ``npz:FILE``, ``folder:DIR``, ``cifar10:DIR``, ``hf:NAME`` …

    ``validation`` and ``test`` are the shares drawn where the source has no such split; validation is
    always drawn from the training images. ``size`` is the side in pixels to which image files are decoded.
    ``skip_bad`` leaves unreadable images out. ``cache`` is the folder of decoded images (``NASCALE_CACHE``,
    else ``~/.cache/nascale``); sets of more than ``memory_limit`` bytes (a quarter of memory) stay there.

    Raises InputError naming the file, for anything that cannot be used.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise InputError.of(name, "a share in (0, 1)", share)
    kind, _, rest = text.partition(":")
    if kind not in SOURCES:
        raise UnknownNameError("data", kind, SOURCES)
    source = SOURCES[kind](rest, size, skip_bad)
    limit = _memory_limit() if memory_limit is None else memory_limit
    images, labels, parts, checksum = _collect(source, cache_folder(cache), limit)
    _check_labels(source, labels)
    splits = split(labels, parts, seed=seed, validation=validation, test=test, source=source.name)
    settings = {"seed": seed, "validation_share": validation, "test_share": test}
    return ImageSet(
        text,
        images,
        labels,
        *splits,
        source.classes,
        checksum,
        settings=settings,
        skipped=tuple(source.skipped),
    )


def split(
    labels: NDArray[np.int64],
    parts: NDArray[np.int8],
    *,
    seed: int,
    validation: float,
    test: float,
    source: str = "data",
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(train, validation, test) index arrays, disjoint and sorted; what the source lacks is drawn by class.

    ``parts`` says per image which split the source puts it in: 0 train, 1 validation, 2 test, -1 unsaid.
    Raises InputError if a class is too small to stand in every split.
    """
    rng = np.random.default_rng(seed)
    pool = np.flatnonzero(parts <= 0)
    held_out = {1: np.flatnonzero(parts == 1), 2: np.flatnonzero(parts == 2)}
    for part, share in ((2, test), (1, validation)):
        if len(held_out[part]) == 0:
            leave = 2 if part == 2 and len(held_out[1]) == 0 else 1
            taken = stratified(labels, pool, share, rng, source, leave=leave)
            held_out[part] = taken
            pool = np.setdiff1d(pool, taken, assume_unique=True)
    return pool, held_out[1], held_out[2]


def stratified(
    labels: NDArray[np.int64],
    pool: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
    source: str = "data",
    *,
    leave: int = 1,
) -> NDArray[np.int64]:
    """Indices of ``pool``, ``share`` of each class (at least one, and at least ``leave`` left), sorted."""
    chosen = []
    for label in np.unique(labels[pool]):
        members = pool[labels[pool] == label]
        if len(members) < 1 + leave:
            wanted = f"at least {('two', 'three')[leave - 1]} images of each class to split"
            raise InputError.of(source, wanted, f"{len(members)} of class {label}")
        count = min(max(1, round(share * len(members))), len(members) - leave)
        chosen.append(rng.permutation(members)[:count])
    return np.sort(np.concatenate(chosen))


def _collect(
    source: Source, cache: Path, limit: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int8], str]:
    """Reads a source into memory, or into a mapped file of the cache; returns a checksum of the content."""
    height, width, channels = source.shape
    shape = (source.count, height, width, channels)
    large = source.count * height * width * channels > limit
    cached = cache / f"{source.fingerprint}.npy" if source.fingerprint and (source.slow or large) else None
    if cached is not None and cached.exists() and cached.with_suffix(".npz").exists():
        with np.load(cached.with_suffix(".npz")) as kept:
            labels, parts = kept["labels"], kept["parts"]
            source.skipped.extend(str(name) for name in kept["skipped"])
            checksum = str(kept["checksum"])
        return np.load(cached, mmap_mode="r" if large else None), labels, parts, checksum

    if cached is None:
        return _fill(source, np.empty(shape, np.uint8))
    partial = cached.with_suffix(f".{os.getpid()}.part")
    try:
        images, labels, parts, checksum = _fill(source, _mapped(partial, shape))
        if len(images) < source.count:
            # Bad images were left out: the file is rewritten at its true length.
            shorter = _mapped(partial.with_suffix(".short"), images.shape)
            for start in range(0, len(images), _CHUNK):
                shorter[start : start + _CHUNK] = images[start : start + _CHUNK]
            shorter.flush()  # type: ignore[attr-defined]
            os.replace(partial.with_suffix(".short"), partial)
        np.savez(
            cached.with_suffix(".npz"),
            labels=labels,
            parts=parts,
            checksum=np.array(checksum),
            skipped=np.array(source.skipped, dtype=np.str_),
        )
        os.replace(partial, cached)
    finally:
        partial.unlink(missing_ok=True)
    return np.load(cached, mmap_mode="r" if large else None), labels, parts, checksum


def _fill(
    source: Source, images: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int8], str]:
    """Reads the source's chunks into ``images``; returns the filled part, labels, parts and a checksum."""
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
    return images[:filled], labels[:filled], parts[:filled], digest.hexdigest()


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    writable_cache(path.parent)
    try:
        mapped: NDArray[np.uint8] = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    except OSError as error:
        raise unwritable(path, error) from None
    return mapped


def _check_labels(source: Source, labels: NDArray[np.int64]) -> None:
    if len(labels) == 0:
        raise InputError.of(source.name, "at least one image", "none")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(source.classes):
        raise InputError.of(source.name, f"labels in 0..{len(source.classes) - 1}", low if low < 0 else high)
    if len(source.classes) < 2:
        raise InputError.of(source.name, "at least two classes", len(source.classes))


def cache_folder(cache: str | Path | None = None) -> Path:
    """Where what is worth keeping lies (decoded images, supernets, machines): ``cache``, else ``NASCALE_CACHE``, else a
    folder at home."""
    if cache is not None:
        return Path(cache)
    return Path(os.environ.get("NASCALE_CACHE") or Path.home() / ".cache" / "nascale")


def writable_cache(cache: str | Path | None = None) -> Path:
    """The cache folder, made if it was not there. Raises InputError where it cannot be written."""
    folder = cache_folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    if not os.access(folder, os.W_OK):
        raise unwritable(folder, PermissionError("no permission"))
    return folder


def unwritable(path: Path, error: Exception) -> InputError:
    """What to say of a path in the cache that cannot be written."""
    reason = " ".join(str(error).split())
    return InputError.of("NASCALE_CACHE", "a folder that can be written", f"{path} ({reason})")


def _memory_limit() -> int:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE)
    except (ValueError, OSError):
        return 2**31


def batches(indices: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Consecutive runs of ``indices`` of at most ``size``."""
    for start in range(0, len(indices), size):
        yield indices[start : start + size]
