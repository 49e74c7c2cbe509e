"""What every format is compared with: the network as its accuracy was measured, and its speed in PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from evaluators.export import outside
from evaluators.export.outputs import REPEATS, Outputs
from evaluators.export.subject import Subject
from evaluators.images.preparing import prepared

_BATCH = 64


def reference(subject: Subject, indices: NDArray[np.int64], threads: int) -> Outputs:
    """The trained network's own answers, to images as a training sees them.

    The latency is that of the network behind its preprocessing, run by PyTorch operation by operation.
    """
    before = subject.run.preprocessing
    parts = []
    with torch.no_grad():
        for start in range(0, len(indices), _BATCH):
            pixels = torch.from_numpy(subject.images.images[indices[start : start + _BATCH]])
            x = prepared(pixels, before.resolution, before.mean, before.std)
            parts.append(subject.network(x))
        probabilities = torch.cat(parts).softmax(1).numpy()
    seconds = outside.timed(_eager(subject, threads), subject.inputs(indices[:1]), REPEATS)
    return Outputs(probabilities, probabilities.argmax(1), float(np.median(seconds)))


def _eager(subject: Subject, threads: int) -> outside.Run:
    torch.set_num_threads(threads)

    def run(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        with torch.no_grad():
            probabilities, label = subject.deployed(torch.from_numpy(images))
        return probabilities.numpy(), label.numpy()

    return run
