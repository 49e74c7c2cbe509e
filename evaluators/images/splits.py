"""Splits: training, validation and test images, stratified by class and drawn from a seed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet

_NAMED = 5


def split(
    labels: NDArray[np.int64],
    parts: NDArray[np.int8],
    *,
    seed: int,
    validation: float,
    test: float,
    source: str = "data",
    classes: Sequence[str] | None = None,
    given: Collection[int] = (),
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(train, validation, test) index arrays, disjoint and sorted.

    Validation and test images are drawn by class from the training images if the source has no such split.

    ``parts`` says for each image which split the source puts it in: 0 train, 1 validation, 2 test, -1 unknown.
    ``given`` are the splits that the source has. A test split that is given stays as it is, even if none of its
    images can be used. ``validation`` and ``test`` are shares. Raises InputError, naming the class by ``classes``,
    if a class is too small to be in every split, and for a set without training images.
    """
    rng = np.random.default_rng(seed)
    pool = np.flatnonzero(parts <= 0)
    if not len(pool):
        raise InputError.of(source, "training images", "none")
    held_out = {1: np.flatnonzero(parts == 1), 2: np.flatnonzero(parts == 2)}
    for part, share in ((2, test), (1, validation)):
        if len(held_out[part]) == 0 and not (part == 2 and 2 in given):
            leave = 2 if part == 2 and len(held_out[1]) == 0 else 1
            taken = stratified(labels, pool, share, rng, source, leave=leave, classes=classes)
            held_out[part] = taken
            pool = np.setdiff1d(pool, taken, assume_unique=True)
    return pool, held_out[1], held_out[2]


def with_validation(
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    share: float,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(train, validation), sorted, after ``share`` of the validation images of each class, rounded down, became training images.

    At least one image of each class stays. A larger share moves the same images and more.
    """
    rng = np.random.default_rng(seed)
    moved = [np.empty(0, np.int64)]
    for label in np.unique(labels[validation]):
        members = validation[labels[validation] == label]
        moved.append(rng.permutation(members)[: int(share * len(members))])
    taken = np.concatenate(moved)
    return np.union1d(train, taken), np.setdiff1d(validation, taken, assume_unique=True)


def training_subset(images: ImageSet, fraction: float) -> NDArray[np.int64]:
    """The ``fraction`` of the training images that is used, as indices into the set: the same stratified ones each time."""
    if fraction >= 1:
        return images.train
    return stratified(images.labels, images.train, fraction, np.random.default_rng(0), images.name)


def stratified(
    labels: NDArray[np.int64],
    pool: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
    source: str = "data",
    *,
    leave: int = 1,
    classes: Sequence[str] | None = None,
) -> NDArray[np.int64]:
    """Indices of ``pool``, ``share`` of each class (at least one, and at least ``leave`` left), sorted."""
    chosen, small = [], []
    for label in np.unique(labels[pool]):
        members = pool[labels[pool] == label]
        if len(members) < 1 + leave:
            small.append(f"{len(members)} of class {label if classes is None else classes[label]}")
            continue
        count = min(max(1, round(share * len(members))), len(members) - leave)
        chosen.append(rng.permutation(members)[:count])
    if small:
        wanted = f"at least {('two', 'three')[leave - 1]} images of each class to split"
        few = ", ".join(small[:_NAMED]) + (
            f" and {len(small) - _NAMED} more classes" if small[_NAMED:] else ""
        )
        raise InputError.of(source, wanted, few)
    return np.sort(np.concatenate(chosen))
