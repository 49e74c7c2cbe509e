"""The training of shared weights: every step trains one random network on one batch.

Single path, uniform: Guo et al. 2020, "Single Path One-Shot Neural Architecture Search with Uniform Sampling".
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluators.device import limit_threads, make_deterministic, wants_bfloat16
from evaluators.network import Network
from evaluators.optimization import make_optimizer, set_learning_rate, update
from evaluators.supernet.networks import RandomNetworks
from evaluators.supernet.weights import SharedWeights
from evaluators.training import TrainEvaluator
from evaluators.validation import check_finite


class SupernetTraining:
    """Trains ``shared`` weights by the recipe of ``trainer``, on its images at ``resolution`` pixels.

    The same (recipe, space, seed) gives the same weights on a CPU. Everything random of an epoch is drawn from
    (seed, epoch), so ``state()`` after an epoch is all that another run needs to go on from there; ``remembered`` is
    what that state holds of the optimiser.
    """

    def __init__(
        self,
        trainer: TrainEvaluator,
        networks: RandomNetworks,
        shared: SharedWeights,
        resolution: int,
        seed: int,
        *,
        threads: int | None = None,
        remembered: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        self._trainer, self._networks, self._seed, self._resolution = trainer, networks, seed, resolution
        self.shared, self._device = shared, shared.device
        if self._device.type == "cuda":
            make_deterministic()
        limit_threads(threads, self._device)
        self._remembered = dict(remembered or {})
        first = shared.network(networks.draw(random.Random(seed)))
        self.optimizer = make_optimizer(first.parameters(), trainer.recipe)
        self._autocast = wants_bfloat16(trainer.recipe.precision, self._device)

    def epoch(self, epoch: int) -> float:
        """One pass over the training images, each batch by another network; returns the mean loss in nats.

        Raises Diverged.
        """
        trainer, recipe = self._trainer, self._trainer.recipe
        rng = random.Random(f"{self._seed}:{epoch}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        torch.manual_seed(rng.getrandbits(63))  # dropout and stochastic depth
        images = trainer.split("train", self._resolution, self._device)
        steps = len(images) // recipe.batch_size
        augment, weights = trainer.augmentation(self._resolution), trainer.class_weights(self._device)
        order = torch.randperm(len(images), generator=generator).to(self._device)
        total = torch.zeros((), device=self._device)
        for step in range(steps):
            network = self.shared.network(self._networks.draw(rng)).train()
            self.turn_to(network)
            set_learning_rate(
                self.optimizer, (epoch - 1) * steps + step, recipe.epochs * steps, recipe.warmup
            )
            x, y = images.batch(order[step * recipe.batch_size : (step + 1) * recipe.batch_size])
            x = augment(x, generator)
            total += update(network, self.optimizer, x, y, recipe, self._autocast, weights)
        mean = float(total) / steps
        check_finite(mean, epoch)
        return mean

    def turn_to(self, network: Network) -> None:
        """Has the optimiser update one network's parameters. The others keep their momentum and do not decay."""
        parameters = list(network.parameters())
        weights, plain = self.optimizer.param_groups
        weights["params"] = [p for p in parameters if p.ndim > 1]
        plain["params"] = [p for p in parameters if p.ndim <= 1]
        for p in parameters:
            if p not in self.optimizer.state:
                remembered = self._remembered.pop(self.shared.names[p], None)
                if remembered is None and self._trainer.recipe.optimizer == "sgd":
                    # Fused SGD wants a buffer for all parameters or for none. A buffer of zeros acts as none.
                    remembered = {"momentum_buffer": torch.zeros_like(p)}
                if remembered is not None:
                    self.optimizer.state[p] = {k: v.to(p.device) for k, v in remembered.items()}

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The weights that a step has trained, here or before, by place and parameter."""
        state = self.optimizer.state
        ours = {n: p.detach().cpu().numpy().copy() for p, n in self.shared.names.items() if p in state}
        return {**self.shared.trained, **ours}

    def state(self) -> dict[str, Any]:
        """``weights``: the trained weights; ``optimizer``: what the optimiser remembers of each of them."""
        state = self.optimizer.state
        ours = {name: dict(state[p]) for p, name in self.shared.names.items() if p in state}
        weights = {name: torch.from_numpy(w) for name, w in self.weights().items()}
        return {"weights": weights, "optimizer": {**self._remembered, **ours}}
