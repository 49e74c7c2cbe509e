"""Classes of picture files: decoded as the training images were, a block at a time, so that memory is bounded."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.images.allowance import allowed_bytes
from evaluators.images.picture_files import Headers, decoded_file
from evaluators.images.pictures import Depth
from evaluators.trained.classifier import Classifier
from results.calibration import probabilities

BLOCK, _BLOCK_BYTES = 256, 2**26
"""Pictures that are decoded at a time, and the bytes that they may take."""


@dataclass(frozen=True)
class Prediction:
    """A picture's most likely classes with their probabilities, the likeliest first."""

    file: Path
    classes: tuple[tuple[str, float], ...]


def predictions(
    classifier: Classifier,
    files: Sequence[Path],
    broken: Callable[[Path, str], None],
    *,
    top: int = 1,
    temperature: float = 1.0,
) -> Iterator[Prediction]:
    """The ``top`` likeliest classes of each file, in order; ``broken(file, why)`` is told of each that cannot be read.

    Pictures are decoded as a folder of training images is: upright, the short side resized to that of the stored
    images, the centre cropped, in grey or in colour as they were. Those of more than eight bits share one scale,
    taken from all ``files``. ``temperature`` divides the logits.
    """
    run = classifier.run
    side, channels = run.side, run.preprocessing.channels
    with _quiet():
        depth = Depth.of(Headers.of(files).deep)
    most = allowed_bytes()
    size = min(BLOCK, max(1, _BLOCK_BYTES // (side**2 * channels)))
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(files), size):
            block = files[start : start + size]
            with _quiet():
                decoded = list(
                    threads.map(lambda file: decoded_file(file, side, channels, depth, most), block)
                )
            good = []
            for file, pixels in zip(block, decoded, strict=True):
                if isinstance(pixels, str):
                    broken(file, pixels)
                else:
                    good.append((file, pixels))
            if not good:
                continue
            shares = probabilities(classifier.logits(np.stack([pixels for _, pixels in good])), temperature)
            order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
            for (file, _), row, likeliest in zip(good, shares, order, strict=True):
                yield Prediction(file, tuple((run.classes[i], float(row[i])) for i in likeliest))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of Pillow about odd but readable files; those that cannot be read are named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
