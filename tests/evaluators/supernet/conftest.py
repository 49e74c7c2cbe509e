"""The trainer that the tests of supernets train with."""

from __future__ import annotations

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator


@pytest.fixture(scope="module")
def trainer(digits: ImageSet) -> TrainEvaluator:
    return TrainEvaluator(digits, Recipe(epochs=3, fraction=0.2, batch_size=32, device="cpu"))
