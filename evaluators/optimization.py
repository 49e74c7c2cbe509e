"""Steps of the optimiser: which parameters decay, how the learning rate moves, one step on one batch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluators.network import loss_of
from evaluators.recipe import Recipe


def make_optimizer(parameters: Iterable[torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """SGD or AdamW over two groups: weights, which decay, and norms and biases, which do not."""
    parameters = list(parameters)
    decayed = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim <= 1]
    base = recipe.learning_rate
    if base is None:
        base = (0.2 if recipe.optimizer == "sgd" else 0.01) * recipe.batch_size / 128
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay, "initial_lr": base},
        {"params": plain, "weight_decay": 0.0, "initial_lr": base},
    ]
    groups = [g for g in groups if g["params"]]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=base, momentum=recipe.momentum, nesterov=True, fused=True)
    return torch.optim.AdamW(groups, lr=base, betas=(recipe.momentum, 0.999), fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, step: float, total: int, warmup: float) -> None:
    """Sets the learning rate of ``step`` of ``total``."""
    factor = learning_rate_factor(step, total, warmup)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def learning_rate_factor(step: float, total: int, warmup: float) -> float:
    """Share of the full learning rate at ``step`` of ``total``: it rises over ``warmup`` of them, then falls to zero.

    The fall is a cosine: Loshchilov & Hutter 2017, eq. 5, one period.
    """
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))


def class_weights(
    labels: NDArray[np.int64], classes: int, recipe: Recipe, device: torch.device
) -> torch.Tensor | None:
    """The weight of each class in the loss (classes), from the training ``labels`` (n); None for equal ones."""
    if recipe.class_weights == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    weights = counts.sum() / (len(counts) * np.maximum(1, counts))
    return torch.tensor(weights, dtype=torch.float32, device=device)


def update(
    module: Any,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    recipe: Recipe,
    autocast: bool,
    class_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """One step of the optimiser on a batch; returns the loss, detached. ``class_weights`` (k) weight its images."""
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=autocast):
        loss = loss_of(module(x), y, recipe.label_smoothing, class_weights)
    torch.autograd.backward(loss)
    if recipe.clip:
        torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.clip)
    optimizer.step()
    return loss.detach()
