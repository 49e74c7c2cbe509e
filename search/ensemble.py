"""An ensemble of small neural networks that predicts scores and, by how much its members disagree, how sure it is.

Deep ensembles (Lakshminarayanan, Pritzel and Blundell 2017): the members differ by their random start and by the order in
which they see the data. They are trained side by side, as one batch of matrices, so that numpy is fast enough. Adam: Kingma and
Ba 2015, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from search.encoding import Floats

MEMBERS, HIDDEN, LAYERS = 5, 32, 2
STEPS, BATCH, LEARNING_RATE = 300, 32, 0.01
"""Steps of Adam, whose rate falls to zero in a straight line; and the examples in each step, drawn for each member."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Fitted members: the ``weights`` (members, inputs, outputs) and ``biases`` (members, 1, outputs) of each layer."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]

    @classmethod
    def fit(cls, features: Floats, targets: Floats, seed: int) -> Ensemble:
        """Fitted to ``targets`` (examples, outputs), of order 1, by their mean absolute error.

        ``features`` have the shape (examples, inputs). The result is a function of the arguments.
        """
        rng = np.random.default_rng(seed)
        widths = (features.shape[1], *(HIDDEN for _ in range(LAYERS)), targets.shape[1])
        shapes: list[tuple[int, ...]] = [
            shape
            for inputs, outputs in pairwise(widths)
            for shape in ((MEMBERS, inputs, outputs), (MEMBERS, 1, outputs))
        ]
        # All parameters and their gradients are slices of one array each, so that Adam takes one step for all.
        parameters, gradient = (np.zeros(sum(map(np.prod, shapes))) for _ in range(2))
        parts, slopes = _parts(parameters, shapes), _parts(gradient, shapes)
        for weights in parts[::2]:
            weights[:] = rng.normal(0, np.sqrt(2 / weights.shape[1]), weights.shape)
        members = cls(tuple(parts[::2]), tuple(parts[1::2]))
        first, second = np.zeros_like(parameters), np.zeros_like(parameters)
        size = min(BATCH, len(features))
        for step in range(1, STEPS + 1):
            drawn = rng.integers(0, len(features), (MEMBERS, size))
            members._slope(features[drawn], targets[drawn], slopes)
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            rate = LEARNING_RATE * (1 - (step - 1) / STEPS) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            parameters -= rate * first / (np.sqrt(second) + 1e-8)
        return members

    def predict(self, features: Floats) -> Floats:
        """What each member expects; shape (members, rows, outputs)."""
        return self._layers(np.broadcast_to(features, (MEMBERS, *features.shape)))[-1]

    def _layers(self, features: Floats) -> list[Floats]:
        """The features and what each layer makes of them; all layers but the last are rectified."""
        layers = [features]
        for weights, biases in zip(self.weights, self.biases, strict=True):
            last = len(layers) == len(self.weights)
            values = layers[-1] @ weights + biases
            layers.append(values if last else np.maximum(values, 0))
        return layers

    def _slope(self, features: Floats, targets: Floats, slopes: list[Floats]) -> None:
        """Writes the gradient of each member's absolute error, the mean over examples, into ``slopes``."""
        layers = self._layers(features)
        back = np.sign(layers[-1] - targets) / targets.shape[1]
        for layer in range(len(self.weights) - 1, -1, -1):
            np.matmul(layers[layer].transpose(0, 2, 1), back, out=slopes[2 * layer])
            back.sum(axis=1, keepdims=True, out=slopes[2 * layer + 1])
            if layer:
                back = (back @ self.weights[layer].transpose(0, 2, 1)) * (layers[layer] > 0)


def _parts(flat: Floats, shapes: list[tuple[int, ...]]) -> list[Floats]:
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [flat[end - np.prod(shape) : end].reshape(shape) for end, shape in zip(ends, shapes, strict=True)]
