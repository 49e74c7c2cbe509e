"""Labels become the classes 0, 1, … of a network: one for each value that an image has, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluators.images.source import PARTS
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAMED = 5


@dataclass(frozen=True, eq=False)
class Labelling:
    """Labels 0..k−1, the names of the k classes, and sentences about what is not as one would expect."""

    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def labelling(
    source: str, raw: NDArray[np.int64], parts: NDArray[np.int8], names: tuple[str, ...] | None
) -> Labelling:
    """The classes of the labels ``raw``, none below 0; ``names`` has a name for each value, None if there are none.

    A class without images is left out, and said so. Raises InputError if there is no image, only one class, or a
    label without a name.
    """
    import numpy as np

    values, labels = np.unique(raw, return_inverse=True)
    if not len(values):
        raise InputError.of(source, "at least one image with a label", "none")
    notes: list[str] = []
    warnings: list[str] = []
    if names is None:
        classes = tuple(str(value) for value in values)
        if values[-1] >= len(values):
            notes.append(f"labels {_few(classes)} are the classes 0 to {len(values) - 1}")
    else:
        if values[-1] >= len(names):
            raise InputError.of(
                source, f"labels in 0..{len(names) - 1}, as it names classes", int(values[-1])
            )
        classes = tuple(names[value] for value in values)
        empty = [name for i, name in enumerate(names) if i not in set(values.tolist())]
        if empty:
            warnings.append(f"no images of {_classes(empty)}, left out of the classes")
    if len(classes) < 2:
        raise InputError.of(source, "at least two classes", f"one: {classes[0]}")
    later = np.setdiff1d(labels[parts > 0], labels[parts <= 0])
    if len(later):
        warnings.append(f"no training images of {_classes([classes[i] for i in later])}")
    return Labelling(labels.astype(np.int64).reshape(-1), classes, tuple(notes), tuple(warnings))


def without_truth(part: int, where: str, count: int) -> str:
    """The sentence about ``count`` images of a split, at ``where`` in the source, that have no labels."""
    return f"{count} {PARTS[part]} images in {where} have no labels: left out, so no accuracy is measured on them"


def _classes(names: list[str]) -> str:
    return f"{'class' if len(names) == 1 else f'{len(names)} classes'} {_few(names)}"


def _few(names: list[str] | tuple[str, ...]) -> str:
    """All names if they are few, else the first ones and the last."""
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[: _NAMED - 1])} … {names[-1]}"
