"""Losses whose target is a distribution over the classes: that of mixed images, or a teacher's."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from evaluators.network import loss_of


def loss_of_targets(
    output: Any, targets: Tensor, label_smoothing: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy in nats of a network's output, auxiliary classifiers counted by their weights.

    ``targets`` are labels (n), or shares of the classes (n, k) that sum to one. Shares that are zero and one give what
    their labels give, also under ``class_weights`` (k): the mean is over the weights of the images, and a mixed image
    has the mixed weight of its classes.
    """
    if targets.ndim == 1:
        return loss_of(output, targets, label_smoothing, class_weights)
    logits, heads = output if isinstance(output, tuple) else (output, ())
    # With shares, torch divides the weighted sum by the number of images; with labels, by the sum of their weights.
    total = targets.shape[0] if class_weights is None else (targets @ class_weights).sum()

    def cross_entropy(logits: Tensor) -> Tensor:
        summed = F.cross_entropy(
            logits, targets, class_weights, label_smoothing=label_smoothing, reduction="sum"
        )
        return summed / total

    loss = cross_entropy(logits)
    for head, weight in heads:
        loss = loss + weight * cross_entropy(head)
    return loss


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """How far a network is from its teacher: T² · KL(teacher ‖ network) in nats, both softened by ``temperature`` T.

    Logits are (n, k); the mean is over the images. T² keeps the size of the gradient, which softening divides by
    about T² (Hinton, Vinyals & Dean 2015, §2.1). No gradient reaches the teacher.
    """
    network = F.log_softmax(logits / temperature, dim=1)
    teacher = F.log_softmax(teacher_logits.detach() / temperature, dim=1)
    return F.kl_div(network, teacher, reduction="batchmean", log_target=True) * temperature**2
