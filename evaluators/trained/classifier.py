"""A trained network as a classifier: bytes of images in, logits out, in batches that fit the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluators.device import pick_device
from evaluators.images.preparing import prepared
from evaluators.trained.run_folder import TrainedRun
from space.errors import InputError

_BATCH_PIXELS = 256 * 64 * 64
"""Pixels of a batch at the network's resolution: 256 images of 64 pixels, 20 of 224."""


class Classifier:
    """The network of a run on a device, with the kept weights and the preprocessing that it was trained with."""

    def __init__(self, run: TrainedRun, device: str = "cpu") -> None:
        """Raises InputError for a device that is not there and for weights that cannot be read."""
        self.run = run
        self.device = pick_device(device)
        self.network = run.network(self.device)
        self.batch = max(1, _BATCH_PIXELS // run.preprocessing.resolution**2)

    def logits(
        self, images: NDArray[np.uint8], indices: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """(n, classes) of ``images`` (n, height, width, channels), or of those at ``indices``.

        Raises InputError (RUN) where they are not finite: the training has diverged.
        """
        places = np.arange(len(images)) if indices is None else indices
        before = self.run.preprocessing
        found = []
        with torch.inference_mode():
            for start in range(0, len(places), self.batch):
                some = torch.from_numpy(images[places[start : start + self.batch]]).to(self.device)
                x: Any = prepared(some, before.resolution, before.mean, before.std)
                found.append(self.network(x).float().cpu().numpy())
        logits = np.concatenate(found) if found else np.empty((0, len(self.run.classes)), np.float32)
        if not np.isfinite(logits).all():
            wanted = "weights of a training that did not diverge"
            raise InputError.of("RUN", wanted, "logits that are not finite")
        return logits
