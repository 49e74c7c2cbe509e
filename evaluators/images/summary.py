"""What an image set holds: one value, made here from any set, for screens, files and the provenance of studies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.images.image_set import ImageSet
from evaluators.images.source import PARTS, LeftOut

SMALL_CLASS = 10
"""A class of fewer images is warned of."""
IMBALANCE = 2.0
"""The largest class to the smallest: a warning from here on."""
_NAMED = 3
_KEPT = 100


@dataclass(frozen=True)
class SplitSummary:
    """The images of a split, how many each class has, and where the split comes from."""

    images: int
    counts: dict[str, int]
    origin: str

    @property
    def kind(self) -> str:
        """Whether the split is given or drawn, in a word or two."""
        return next((kind for kind in ("given", "drawn") if self.origin.startswith(kind)), "the rest")


@dataclass(frozen=True)
class DataSummary:
    """What an image set holds.

    ``classes`` are in the order of the labels 0, 1, …; ``checksum`` is that of the decoded pixels and labels.
    ``learned`` counts the training images before any are drawn for other splits.
    ``smallest`` and ``largest`` are (class, images) of these, ``imbalance`` is their ratio. ``left_out`` names all
    that the source holds and the set does not. ``notes`` say how the source was read, ``warnings`` what is to be
    looked at before anything is trained.
    """

    name: str
    images: int
    classes: tuple[str, ...]
    height: int
    width: int
    channels: int
    checksum: str
    splits: dict[str, SplitSummary]
    learned: int
    smallest: tuple[str, int]
    largest: tuple[str, int]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, images: ImageSet) -> DataSummary:
        """The summary of ``images``; nothing of the pixels is looked at."""
        counts = {
            part: np.bincount(images.labels[indices], minlength=len(images.classes))
            for part, indices in zip(PARTS, (images.train, images.validation, images.test), strict=True)
        }
        splits = {
            part: SplitSummary(
                int(counts[part].sum()),
                _named(images.classes, counts[part]),
                images.origins.get(part, ""),
            )
            for part in PARTS
        }
        drawn = [part for part, split in splits.items() if split.kind == "drawn"]
        trained = counts["train"] + sum(counts[part] for part in drawn)
        least, most = int(trained.argmin()), int(trained.argmax())
        _, height, width, channels = images.images.shape
        return cls(
            images.name,
            len(images.images),
            images.classes,
            int(height),
            int(width),
            int(channels),
            images.checksum,
            splits,
            int(trained.sum()),
            (images.classes[least], int(trained[least])),
            (images.classes[most], int(trained[most])),
            images.left_out,
            images.notes,
            (
                *images.warnings,
                *_class_warnings(
                    images.classes, trained, np.bincount(images.labels, minlength=len(images.classes))
                ),
            ),
        )

    @property
    def imbalance(self) -> float:
        """The largest class to the smallest."""
        return self.largest[1] / max(1, self.smallest[1])

    def line(self) -> str:
        """The summary in one line."""
        splits = ", ".join(f"{name} {split.images:,} ({split.kind})" for name, split in self.splits.items())
        (least, few), (most, many) = self.smallest, self.largest
        told = [
            f"{self.name}: {self.images:,} images of {len(self.classes)} classes, {self.height}×{self.width}×{self.channels}",
            splits,
            f"{few:,} images of each class"
            if few == many
            else f"smallest class {least} {few:,}, largest {most} {many:,}",
        ]
        if self.left_out:
            told.append(f"left out {self.few_left_out()}")
        if self.warnings:
            told.append(
                f"{len(self.warnings)} warning{'s' if len(self.warnings) > 1 else ''} (see nascale data)"
            )
        return "; ".join(told)

    def few_left_out(self) -> str:
        """How many were left out, the first few by name."""
        few = ", ".join(map(str, self.left_out[:_NAMED]))
        more = len(self.left_out) - _NAMED
        return f"{len(self.left_out):,}: {few}" + (f" and {more:,} more" if more > 0 else "")

    def to_json(self) -> dict[str, Any]:
        """The summary as JSON can hold it."""
        told = asdict(self)
        del told["learned"]
        for end in ("smallest", "largest"):
            name, count = told[end]
            share = count / self.learned
            told[end] = {"class": name, "images": count, "share": round(share, 4)}
        return told | {"imbalance": round(self.imbalance, 3)}

    def kept(self) -> dict[str, Any]:
        """The summary as a study keeps it: no more than a hundred names of what was left out, their number, and the line."""
        told = self.to_json()
        few = {"left_out": told["left_out"][:_KEPT], "left_out_count": len(self.left_out)}
        return told | few | {"line": self.line()}


def _named(classes: tuple[str, ...], counts: NDArray[np.int64]) -> dict[str, int]:
    """How many images each class has; empty for a split without images."""
    return {name: int(n) for name, n in zip(classes, counts, strict=True)} if counts.any() else {}


def _class_warnings(
    classes: tuple[str, ...], trained: NDArray[np.int64], total: NDArray[np.int64]
) -> list[str]:
    """Sentences about small classes and imbalance; ``trained`` and ``total`` count the images of each class."""
    small = [f"{name} ({n})" for name, n in zip(classes, total, strict=True) if n < SMALL_CLASS]
    found = []
    if small:
        few = ", ".join(small[:_NAMED]) + (f" and {len(small) - _NAMED} more" if len(small) > _NAMED else "")
        found.append(f"fewer than {SMALL_CLASS} images of {len(small)} of {len(total)} classes: {few}")
    least, most = int(trained.argmin()), int(trained.argmax())
    if trained[most] >= IMBALANCE * max(1, trained[least]):
        ratio, share = trained[most] / max(1, trained[least]), trained[most] / trained.sum()
        found.append(
            f"the classes are unbalanced: {classes[most]} has {share:.0%} of the training images, {ratio:.1f} "
            f"times as many as {classes[least]}; look at balanced accuracy, or weight the classes"
        )
    return found
