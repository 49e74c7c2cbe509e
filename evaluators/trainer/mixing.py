"""Mixup and cutmix: batches whose images are each made of two, with the shares of the two classes as the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evaluators.trainer.geometry import uniform


@dataclass(frozen=True)
class Mixing:
    """Mixes each batch with itself in another order; ``mixup`` and ``cutmix`` are the α of their Beta(α, α), 0: off.

    Where both are on, half of the batches get one and half the other.
    """

    classes: int
    mixup: float = 0.0
    cutmix: float = 0.0

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(images, shares of the classes (n, classes)); (x, y) as they are where neither is on."""
        if not self.mixup and not self.cutmix:
            return x, y
        u = uniform((4,), generator).tolist()
        pasted = bool(self.cutmix) and (not self.mixup or u[0] < 0.5)
        # torch draws no Beta from a given generator; numpy does, from a seed that the generator gives.
        alpha = self.cutmix if pasted else self.mixup
        rng = np.random.default_rng(int(u[1] * 2**24))
        share = float(rng.beta(alpha, alpha))
        partner = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
        x, share = cutmix(x, partner, share, u[2], u[3]) if pasted else (mixup(x, partner, share), share)
        one_hot = F.one_hot(y, self.classes).to(x.dtype)
        return x, share * one_hot + (1 - share) * one_hot[partner]


def mixup(x: Tensor, partner: Tensor, share: float) -> Tensor:
    """Each image times ``share``, plus its partner times the rest (Zhang et al. 2018)."""
    return torch.lerp(x[partner], x, share)


def cutmix(x: Tensor, partner: Tensor, share: float, down: float, right: float) -> tuple[Tensor, float]:
    """Each image with a box of its partner pasted over it, and the share of the area that is still its own.

    The box has the image's form and the area 1 − ``share``; its centre lies ``down`` and ``right`` (0 to 1) in the image,
    and what falls outside is cut off (Yun et al. 2019, §3).
    """
    spans = []
    for side, centre in zip(x.shape[2:], (down, right), strict=True):
        length = round(side * (1 - share) ** 0.5)
        start = int(centre * side) - length // 2
        spans.append(slice(max(0, start), max(0, min(side, start + length))))
    rows, columns = spans
    mixed = x.clone()
    mixed[:, :, rows, columns] = x[:, :, rows, columns][partner]
    pasted = (rows.stop - rows.start) * (columns.stop - columns.start)
    return mixed, 1 - pasted / (x.shape[2] * x.shape[3])
