"""Losses of mixed images and of a teacher, against labels and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from evaluators.network import loss_of
from evaluators.trainer.soft_targets import distillation_loss, loss_of_targets

LOGITS = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
HEAD = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 3, 3, 3, 0])
OUTPUT = (LOGITS, [(HEAD, 0.3)])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0, 1.0, 0.1])])
@pytest.mark.parametrize("output", [LOGITS, OUTPUT])
def test_labels_and_their_one_hot_shares_give_one_loss(
    output: object, weights: torch.Tensor | None, smoothing: float
) -> None:
    expected = loss_of(output, LABELS, smoothing, weights)
    shares = F.one_hot(LABELS, 4).float()
    torch.testing.assert_close(loss_of_targets(output, LABELS, smoothing, weights), expected)
    torch.testing.assert_close(loss_of_targets(output, shares, smoothing, weights), expected)


def test_the_loss_of_a_mixed_image_is_the_mixture_of_the_losses() -> None:
    one, other = F.one_hot(LABELS, 4).float(), F.one_hot(LABELS.flip(0), 4).float()
    mixed = loss_of_targets(OUTPUT, 0.3 * one + 0.7 * other)
    expected = 0.3 * loss_of(OUTPUT, LABELS) + 0.7 * loss_of(OUTPUT, LABELS.flip(0))
    torch.testing.assert_close(mixed, expected)


def test_a_mixed_image_has_the_mixed_weight_of_its_classes() -> None:
    shares = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    weights = torch.tensor([1.0, 3.0])
    logp = F.log_softmax(LOGITS[:2, :2], 1)
    expected = -(0.25 * logp[0, 0] + 3 * 0.75 * logp[0, 1] + logp[1, 0]) / (0.25 + 3 * 0.75 + 1)
    torch.testing.assert_close(loss_of_targets(LOGITS[:2, :2], shares, 0.0, weights), expected)


def test_the_distance_to_a_teacher_in_closed_form() -> None:
    # Softened by T = 2 the teacher says (3/4, 1/4) and the network (1/2, 1/2).
    teacher, network = torch.tensor([[2 * math.log(3), 0.0]]), torch.zeros(1, 2, requires_grad=True)
    wanted = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    loss = distillation_loss(network, teacher, 2.0)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, network)
    torch.testing.assert_close(gradient, torch.tensor([[-0.5, 0.5]]))  # T · (network − teacher)
    assert float(distillation_loss(LOGITS, LOGITS, 3.0)) == pytest.approx(0, abs=1e-6)


def test_no_gradient_reaches_the_teacher() -> None:
    teacher = LOGITS.clone().requires_grad_()
    assert distillation_loss(HEAD, teacher, 2.0).requires_grad is False
