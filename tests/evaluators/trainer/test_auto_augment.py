"""TrivialAugment and RandAugment: what is drawn, how often, how strong."""

from __future__ import annotations

import math

import pytest
import torch

from evaluators.trainer.auto_augment import COLOURS, POLICIES, RAND, TRIVIAL, Draw
from evaluators.trainer.geometry import MOVES

N = 14_000


def drawn(name: str, channels: int = 3) -> list[Draw]:
    return POLICIES[name].draw(N, channels, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "changes"), [("trivial", 1), ("rand", 2)])
def test_every_change_is_as_frequent_as_any_other(name: str, changes: int) -> None:
    draws = drawn(name)
    assert len(draws) == changes
    for draw in draws:
        assert draw.kinds == ("identity", *MOVES, *COLOURS)
        counts = torch.bincount(draw.kind, minlength=14)
        assert int(counts.min()) > 880 and int(counts.max()) < 1120  # 1000 ± 4 standard deviations


def test_grey_images_have_no_change_of_saturation() -> None:
    (draw,) = drawn("trivial", channels=1)
    assert "colour" not in draw.kinds and len(draw.kinds) == 13
    assert int(draw.kind.max()) == 12


def test_every_image_has_one_change_or_none() -> None:
    (draw,) = drawn("trivial")
    moved = (draw.maps() != torch.eye(3)).flatten(1).any(1)
    coloured = torch.zeros(N, dtype=torch.bool)
    for indices, _ in draw.colours():
        assert not bool(coloured[indices].any())
        coloured[indices] = True
    identity = draw.kind == draw.kinds.index("identity")
    assert torch.equal(moved.int() + coloured.int() + identity.int(), torch.ones(N, dtype=torch.int32))


@pytest.mark.parametrize(("policy", "share"), [(TRIVIAL, 1.0), (RAND, 0.3)])
def test_the_strongest_moves(policy: object, share: float) -> None:
    (draw, *_) = drawn("trivial" if policy is TRIVIAL else "rand")
    maps = draw.maps()
    turned = draw.kind == draw.kinds.index("rotate")
    angle = torch.atan2(maps[turned, 1, 0], maps[turned, 0, 0]).rad2deg()
    most = draw.policy.rotate * share
    assert (
        most * 0.98 < float(angle.max()) <= most + 1e-3 and -most - 1e-3 <= float(angle.min()) < -most * 0.98
    )
    sheared = maps[draw.kind == draw.kinds.index("shear_x"), 0, 1]
    assert float(sheared.abs().max()) == pytest.approx(draw.policy.shear * share, rel=0.02)
    shifted = maps[draw.kind == draw.kinds.index("translate_y"), 1, 2]
    assert float(shifted.abs().max()) == pytest.approx(2 * 150 / 331 * share, rel=0.02)
    assert math.isclose(float((sheared > 0).float().mean()), 0.5, abs_tol=0.07)


def test_no_strength_changes_nothing() -> None:
    (draw,) = drawn("trivial")
    still = Draw(draw.policy, draw.kinds, draw.kind, torch.zeros(N), draw.negative)
    assert torch.equal(still.maps(), torch.eye(3).expand(N, 3, 3))
    x = torch.randint(0, 255, (N, 3, 4, 4)) / 255  # below 1, from which solarize of no strength inverts
    for indices, change in still.colours():
        if draw.kinds[int(draw.kind[indices[0]])] not in ("autocontrast", "equalize"):
            torch.testing.assert_close(change(x[indices]), x[indices])
