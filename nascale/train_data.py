"""The images of a full training: opened at the side at which crops of a part still show detail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nascale.architectures import side_of
from nascale.train_spec import TrainSpec

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet

_DETAIL = 2
"""Pictures are decoded up to so many times larger than the network's images."""


@dataclass(frozen=True)
class TrainingData:
    """Images, what ``evaluators.data.load`` was given for them (``text`` and its keywords), and their own side."""

    images: ImageSet
    keywords: Mapping[str, Any]
    side: int


def training_data(spec: TrainSpec, storage: str | None) -> TrainingData:
    """The images of ``spec``. Raises InputError for a source that cannot be used.

    Pictures are decoded to twice the side of the network's images, or to their own commonest side where that is less.
    """
    from evaluators.data import load
    from evaluators.images.decoding import LARGEST_SIDE
    from evaluators.images.sources import open_source

    text = _absolute(spec.data)
    source = open_source(text, skip_bad=spec.skip_bad, max_bytes=spec.max_image_bytes)
    size = None
    commonest = source.commonest_side
    if commonest is not None:
        shown = side_of(spec.arch, storage, min(commonest, LARGEST_SIDE), spec.resolution)
        size = min(_DETAIL * shown, commonest)
    keywords: dict[str, Any] = {
        "text": text,
        "seed": spec.split_seed,
        "validation": spec.validation,
        "skip_bad": spec.skip_bad,
        "size": size,
    }
    if spec.trained_validation:
        keywords["trained_validation"] = spec.trained_validation
    if spec.max_image_bytes is not None:
        keywords["max_image_bytes"] = spec.max_image_bytes  # the run is tested under the same bound
    return TrainingData(load(**keywords), keywords, min(source.shape[:2]))


def _absolute(data: str) -> str:
    """The source of the images with a whole path: a run may be used from another working directory."""
    from evaluators.images.sources import SOURCES

    prefix, _, location = data.partition(":")
    if prefix in SOURCES and SOURCES[prefix].operand in ("FILE", "DIR"):
        return f"{prefix}:{Path(location).expanduser().absolute()}"
    return data
