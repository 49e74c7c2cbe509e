"""What a network answers to images, and how far two answers to the same ones are apart."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.export import outside
from space.errors import RunError

REPEATS = 30
TIE = 1e-5
"""Two classes whose probabilities differ by less than this are equally good answers."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """``probabilities`` (n, classes), ``label`` (n), and the median seconds of one image."""

    probabilities: NDArray[np.float32]
    label: NDArray[np.int64]
    latency_seconds: float

    @property
    def logits(self) -> NDArray[np.float64]:
        """The logits less their mean over the classes, which probabilities do not tell."""
        smallest = np.finfo(np.float32).tiny
        logarithms = np.log(np.maximum(self.probabilities.astype(np.float64), smallest))
        centred: NDArray[np.float64] = logarithms - logarithms.mean(axis=1, keepdims=True)
        return centred

    def accuracy(self, labels: NDArray[np.int64], part: slice) -> float:
        """The share of images of ``part`` whose label is the true one."""
        return float(np.mean(self.label[part] == labels[part]))

    def first(self, count: int) -> Outputs:
        """The answers to the first ``count`` images."""
        return Outputs(self.probabilities[:count], self.label[:count], self.latency_seconds)


@dataclass(frozen=True)
class Agreement:
    """How far a format's answers are from the reference's, the largest of each over all images.

    ``same_class`` counts the images with the same class; where the reference's probabilities of both classes differ
    by less than ``TIE``, they count as the same. ``relative_difference`` is that of an image's logits as a share of
    its largest logit.
    """

    images: int
    same_class: int
    probability_difference: float
    logit_difference: float
    relative_difference: float


def agreement(found: Outputs, reference: Outputs) -> Agreement:
    """Compares two answers to the same images."""
    rows = np.arange(len(reference.label))
    other = reference.probabilities[rows, found.label]
    tie = reference.probabilities[rows, reference.label] - other < TIE
    difference = np.abs(found.logits - reference.logits).max(axis=1)
    largest = np.maximum(np.abs(reference.logits).max(axis=1), 1e-6)
    return Agreement(
        images=len(rows),
        same_class=int(np.sum((found.label == reference.label) | tie)),
        probability_difference=float(np.abs(found.probabilities - reference.probabilities).max()),
        logit_difference=float(difference.max()),
        relative_difference=float((difference / largest).max()),
    )


def run_outside(runner: str, file: Path, images: NDArray[Any], threads: int) -> Outputs:
    """What an exported file answers, in a process without nascale. Raises RunError with the last line that it said."""
    with tempfile.TemporaryDirectory() as place:
        given, results = Path(place) / "images.npy", Path(place) / "results.npz"
        np.save(given, images)
        words = [
            sys.executable,
            "-I",
            "-B",
            outside.__file__,
            runner,
            str(file.resolve()),
            str(given),
            str(results),
        ]
        done = subprocess.run(
            [*words, str(threads), str(REPEATS)], cwd=place, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise RunError(f"{file.name}: does not run without nascale: {said[-1]}")
        with np.load(results) as found:
            return Outputs(found["probabilities"], found["label"], float(np.median(found["seconds"])))
