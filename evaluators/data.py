"""The entry to images: ``load`` makes an image set of a source such as ``digits``, ``npz:FILE`` or ``folder:DIR``.

Formats and decoding are in ``evaluators.images``. What a set holds, and what is wrong with it, is said by its
summary (``evaluators.images.summary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.cache import cache_folder
from evaluators.images.image_cache import Content
from evaluators.images.image_set import ImageSet
from evaluators.images.labels import labelling, without_truth
from evaluators.images.reading import memory_limit, read_content
from evaluators.images.source import PARTS, LeftOut, Source
from evaluators.images.sources import open_source
from evaluators.images.splits import split, with_validation
from space.errors import InputError
from space.limits import LARGEST_RESOLUTION, LARGEST_SEED

__all__ = ["load"]


def load(
    text: str,
    *,
    seed: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    trained_validation: float = 0.0,
    size: int | None = None,
    skip_bad: bool = False,
    cache: str | Path | None = None,
    memory: int | None = None,
    max_image_bytes: int | None = None,
) -> ImageSet:
    """The image set that ``text`` names: ``digits``, ``npz:FILE``, ``folder:DIR`` … (``images.sources.SOURCES``).

    ``validation`` and ``test`` are the shares drawn if the source has no such split; validation images are
    drawn from the training images. ``trained_validation`` is the share of the validation images that become training
    images all the same: once everything is chosen, what is left may be enough to judge by. ``size`` is the side in pixels to which pictures are decoded.
    ``skip_bad`` leaves unreadable pictures out. ``cache`` is the folder of decoded images (``NASCALE_CACHE``,
    else ``~/.cache/nascale``); sets of more than ``memory`` bytes (a quarter of the machine's) stay there.
    Images of more than ``max_image_bytes`` (the memory of this machine) are refused before they are unpacked.

    Labels become 0 to k − 1 in order; the set keeps their names. Images without a label are left out; a test split
    of such images stays empty. Raises InputError naming the file, for anything that cannot be used.
    """
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise InputError.of(name, "a share in (0, 1)", share)
    if not 0 <= trained_validation < 1:
        raise InputError.of("trained_validation", "a share in [0, 1)", trained_validation)
    if size is not None and not 1 <= size <= LARGEST_RESOLUTION:
        raise InputError.of("size", f"pixels, a positive whole number up to {LARGEST_RESOLUTION}", size)
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError.of("seed", f"a whole number from 0 to {LARGEST_SEED}", seed)
    source = open_source(text, size=size, skip_bad=skip_bad, max_bytes=max_image_bytes)
    content = read_content(source, cache_folder(cache), memory_limit() if memory is None else memory)
    if not skip_bad:
        _check_labelled(source, content)
    found = labelling(source.name, content.labels, content.parts, source.classes)
    train, held_out, tested = split(
        found.labels,
        content.parts,
        seed=seed,
        validation=validation,
        test=test,
        source=source.name,
        classes=found.classes,
        given=source.given,
    )
    settings: dict[str, Any] = {"seed": seed, "validation_share": validation, "test_share": test}
    unlabelled = [
        LeftOut(source.given.get(part, "the set"), f"no label: {count} images")
        for part, count in sorted(content.unlabelled.items())
    ]
    origins, missing = _origins(source, content, settings)
    if trained_validation:
        settings["trained_validation"] = trained_validation
        before = len(train)
        train, held_out = with_validation(found.labels, train, held_out, trained_validation, seed)
        moved = f"{len(train) - before:,}"
        origins["train"] += f", with {moved} of the validation images"
        origins["validation"] += f", without {moved} that are trained on"
    return ImageSet(
        text,
        content.images,
        found.labels,
        train,
        held_out,
        tested,
        found.classes,
        content.checksum,
        settings=settings,
        left_out=(*source.left_out, *source.bad, *unlabelled),
        origins=origins,
        notes=(*source.notes, *found.notes),
        warnings=(*missing, *found.warnings, *_smaller(source, size)),
        decoded_from=source.commonest_side,
    )


def _check_labelled(source: Source, content: Content) -> None:
    """Raises InputError for training images without a label."""
    count = content.unlabelled[0] + content.unlabelled[-1]
    if count:
        wanted = "labels of 0 or more for training images (or --skip-bad)"
        raise InputError.of(source.name, wanted, f"{count} below 0")


def _origins(
    source: Source, content: Content, settings: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """(where each split comes from, sentences about given splits of which no image can be used)."""
    unlabelled = Counter(source.unlabelled) + content.unlabelled
    present = {int(part) for part in np.unique(content.parts)}
    told, drawn, warnings = {}, [], []
    for part, name in enumerate(PARTS):
        where = source.given.get(part)
        share = settings.get(f"{name}_share")
        if where is not None:
            told[name] = f"given: {where}"
            if unlabelled[part]:
                told[name] += f", {unlabelled[part]} images of it without labels"
                warnings.append(without_truth(part, where, unlabelled[part]))
            elif part not in present:
                warnings.append(f"no image of {where} can be used")
        if share is not None and part not in present and (where is None or part == 1):
            told[name] = f"drawn from the training images: {share:g} of each class, seed {settings['seed']}"
            drawn.append(name)
    told["train"] = told.get("train", "all images")
    if drawn:
        told["train"] += f", without those drawn for {' and '.join(drawn)}"
    return told, warnings


def _smaller(source: Source, size: int | None) -> list[str]:
    """A sentence about images that are at most half as large as they are going to be."""
    wanted = size or min(source.shape[:2])
    sides = source.sides or Counter({min(source.shape[:2]): source.count})
    small = sum(count for side, count in sides.items() if 2 * side <= wanted)
    if not small:
        return []
    return [
        f"{small} of {sides.total()} images have at most half of the {wanted} pixels wanted; the smallest {min(sides)}"
    ]
