"""Preprocessing inside the graph against the one of the training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from evaluators.export.deployed import Deployed
from evaluators.images.image_set import ImageSet
from evaluators.images.preparing import prepared
from evaluators.trained.run_folder import Preprocessing


def photos(height: int, width: int, channels: int = 3, count: int = 3) -> ImageSet:
    rng = np.random.default_rng(height * width)
    indices = np.arange(count)
    pixels = rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    return ImageSet("random", pixels, indices % 2, indices, indices, indices, ("a", "b"), "")


def difference(images: ImageSet, resolution: int) -> float:
    """The largest between the images as a training sees them and as the deployed network makes them."""
    pixels, (mean, std) = torch.from_numpy(images.images), images.statistics
    wanted = prepared(pixels, resolution, mean, std)
    deployed = Deployed(nn.Identity(), Preprocessing(resolution=resolution, mean=mean, std=std))
    found = deployed.prepared(pixels)
    assert found.shape == wanted.shape
    return float((found - wanted).abs().max())


@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 70), st.sampled_from([1, 3]))
@settings(max_examples=60, deadline=None)
def test_any_size_is_resized_as_in_the_training(
    height: int, width: int, resolution: int, channels: int
) -> None:
    assert difference(photos(height, width, channels), resolution) < 2e-5


@pytest.mark.parametrize("resolution", [31, 32, 224])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (600, 451), (64, 640)])
def test_photos_too(height: int, width: int, resolution: int) -> None:
    assert difference(photos(height, width, count=1), resolution) < 2e-5


def test_a_square_of_the_right_size_is_not_changed_at_all() -> None:
    images = photos(32, 32)
    deployed = Deployed(nn.Identity(), Preprocessing(resolution=32, mean=(0.0,) * 3, std=(1 / 255,) * 3))
    found = deployed.prepared(torch.from_numpy(images.images))
    assert torch.equal(found, torch.from_numpy(images.images).permute(0, 3, 1, 2).float())


def test_a_channel_that_never_changes_is_divided_as_in_the_training() -> None:
    images = photos(8, 8)
    images.images[0] = 7
    trained_on_one = replace(images, train=images.train[:1])
    assert max(trained_on_one.statistics[1]) < 1e-5
    assert difference(trained_on_one, 8) < 1e-3  # of values up to 1000


def test_probabilities_and_label_come_out() -> None:
    logits = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 5))
    deployed = Deployed(logits, Preprocessing(resolution=4, mean=(0.5,) * 3, std=(0.2,) * 3))
    probabilities, label = deployed(torch.randint(0, 256, (6, 9, 7, 3), dtype=torch.uint8))
    assert probabilities.shape == (6, 5) and label.shape == (6,) and label.dtype == torch.int64
    assert torch.allclose(probabilities.sum(1), torch.ones(6))
    assert torch.equal(label, probabilities.argmax(1))


def test_tensors_go_straight_to_the_network() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    deployed = Deployed(network, Preprocessing(resolution=4, mean=(0.5,) * 3, std=(0.2,) * 3), "float")
    x = torch.randn(2, 3, 4, 4)
    assert deployed.example().shape == x.shape
    assert torch.equal(deployed(x)[0], network(x).softmax(1))
