"""Mixup and cutmix: the targets say what the images are made of."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.trainer.mixing import Mixing, cutmix

Y = torch.arange(5)
X = torch.eye(5)[:, :, None, None].expand(5, 5, 8, 8).contiguous()  # image i is 1 in channel i


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(mixup=st.sampled_from([0.0, 0.2, 1.0]), cutmix=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_targets_are_the_shares_of_the_pixels(mixup: float, cutmix: float, seed: int) -> None:
    before = X.clone()
    x, targets = Mixing(5, mixup, cutmix)(X, Y, seeded(seed))
    if mixup or cutmix:
        # The mean of a channel is the share of the image of that class: of its area, or of its weight in the blend.
        torch.testing.assert_close(x.mean((2, 3)), targets)
        torch.testing.assert_close(targets.sum(1), torch.ones(5))
    else:
        assert x is X and targets is Y
    assert torch.equal(X, before)


def test_each_batch_has_one_of_the_two() -> None:
    mixing = Mixing(5, mixup=1.0, cutmix=1.0)
    generator = seeded(0)
    blended = 0
    for _ in range(200):
        x, _ = mixing(X, Y, generator)
        pasted = bool(((x == 0) | (x == 1)).all())
        flat = bool((x == x[:, :, :1, :1]).all())
        assert pasted or flat
        blended += not pasted
    assert 60 < blended < 140


def test_a_box_in_the_middle_has_the_area_asked_for() -> None:
    partner = torch.tensor([1, 0, 3, 4, 2])
    x, share = cutmix(X, partner, 0.75, 0.5, 0.5)
    assert share == 0.75  # 4 × 4 of 8 × 8 pixels are pasted
    assert torch.equal(x[0, 1, 2:6, 2:6], torch.ones(4, 4)) and float(x[0, 1].sum()) == 16
    _, cut = cutmix(X, partner, 0.75, 0.0, 0.0)
    assert cut == 1 - 4 / 64  # at the corner, a quarter of it is inside


def test_shares_follow_the_beta_distribution() -> None:
    mixing = Mixing(5, mixup=0.2)
    generator = seeded(1)
    shares = []
    for _ in range(400):
        _, targets = mixing(X, Y, generator)
        shares.append(float(targets[0, 0]))
    extreme = sum(s < 0.1 or s > 0.9 for s in shares) / 400
    # Beta(0.2, 0.2) puts 0.68 of its mass there; images that are their own partner have a share of 1.
    assert 0.6 < extreme < 0.85
