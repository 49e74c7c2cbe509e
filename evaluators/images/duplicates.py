"""Images with equal pixels: within a split, across splits (a test score is then too good), and under two labels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations

import numpy as np

from evaluators.images.image_set import ImageSet
from evaluators.images.source import PARTS


@dataclass(frozen=True)
class Duplicates:
    """How many images repeat another one exactly, at the size to which they are decoded.

    ``repeated`` counts the images beyond the first of each group. ``across`` counts, for each pair of splits, the
    images of the later one whose pixels are in the earlier one too. ``conflicting`` counts the groups whose images
    have different labels, and ``example`` names two classes of one of them.
    """

    repeated: int
    across: dict[tuple[str, str], int]
    conflicting: int
    example: tuple[str, str] | None

    @classmethod
    def of(cls, images: ImageSet) -> Duplicates:
        """Compares all images by a digest of their pixels."""
        part_of = np.full(len(images.images), -1)
        for i, part in enumerate(PARTS):
            part_of[images.splits[part]] = i
        groups: dict[bytes, list[int]] = defaultdict(list)
        for i, pixels in enumerate(images.images):
            groups[blake2b(np.ascontiguousarray(pixels).tobytes(), digest_size=16).digest()].append(i)
        several = [group for group in groups.values() if len(group) > 1]
        across = {
            (PARTS[first], PARTS[second]): sum(
                sum(part_of[i] == second for i in group)
                for group in several
                if any(part_of[i] == first for i in group)
            )
            for first, second in combinations(range(len(PARTS)), 2)
        }
        labels = [sorted({int(images.labels[i]) for i in group}) for group in several]
        conflicts = [found for found in labels if len(found) > 1]
        example = (images.classes[conflicts[0][0]], images.classes[conflicts[0][1]]) if conflicts else None
        return cls(sum(len(group) - 1 for group in several), across, len(conflicts), example)

    def warnings(self) -> list[str]:
        """What is to be said of them, in sentences."""
        told = []
        if self.repeated:
            told.append(f"{self.repeated} images have the same pixels as an earlier one")
        told += [
            f"{count} {second} images are {first} images too: scores on {second} images are too good"
            for (first, second), count in self.across.items()
            if count
        ]
        if self.example is not None:
            told.append(
                f"{self.conflicting} images have several labels: the same pixels are {' and '.join(self.example)}"
            )
        return told

    def to_json(self) -> dict[str, object]:
        """The counts as JSON can hold them."""
        return {
            "repeated": self.repeated,
            "across": {f"{first}-{second}": count for (first, second), count in self.across.items()},
            "conflicting": self.conflicting,
        }
