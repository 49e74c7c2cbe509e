"""A run as a classifier: the network's own answers, in any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluators.images.device_images import DeviceImages
from evaluators.trained.classifier import Classifier
from evaluators.trained.run_folder import BEST, save_weights
from space.errors import InputError
from tests.evaluators.trained.made_run import made_run


def test_logits_are_those_of_the_network_on_the_images_of_the_training(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    images = run.images()
    classifier = Classifier(run)
    seen = DeviceImages(images, images.test[:40], run.preprocessing.resolution, torch.device("cpu"))
    with torch.inference_mode():
        wanted = run.network()(seen.slice(0, 40)[0]).numpy()
    np.testing.assert_allclose(classifier.logits(images.images, images.test[:40]), wanted, atol=1e-5)
    classifier.batch = 7
    np.testing.assert_allclose(classifier.logits(images.images, images.test[:40]), wanted, atol=1e-5)
    assert classifier.logits(images.images[:0]).shape == (0, 10)


def test_weights_of_a_training_that_diverged_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    save_weights(run.folder / BEST, {name: t * torch.nan for name, t in run.weights().items()})
    with pytest.raises(InputError, match="RUN: wanted weights of a training that did not diverge"):
        Classifier(run).logits(run.images().images[:2])
