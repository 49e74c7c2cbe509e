"""Rounding policies as the released code has them."""

from __future__ import annotations

import pytest

from space.rounding import EXACT, RELEASED


@pytest.mark.parametrize(
    ("base", "factor", "expected"),
    [
        # EfficientNet-B7's channels (width 2.0) and B2's (1.1), as released.
        *((b, 2.0, 2 * b) for b in (32, 16, 24, 40, 80, 112, 192, 320, 1280)),
        *zip(
            (32, 16, 24, 40, 80, 112, 192, 320, 1280),
            [1.1] * 9,
            (32, 16, 24, 48, 88, 120, 208, 352, 1408),
            strict=True,
        ),
        # MobileNetV2 at 0.35 and 1.4.
        (16, 0.35, 8),
        (96, 0.35, 32),
        (160, 0.35, 56),
        (24, 1.4, 32),
        (320, 1.4, 448),
    ],
)
def test_channels_of_released_networks(base: int, factor: float, expected: int) -> None:
    assert RELEASED.channels(base, factor) == expected


def test_off_grid_channels_stay_where_the_factor_is_one_and_move_the_right_way() -> None:
    assert RELEASED.channels(12, 1) == 12
    assert RELEASED.channels(12, 0.99) == 12
    assert RELEASED.channels(12, 1.01) == 16
    assert RELEASED.channels(4, 0.5) == 4
    assert EXACT.channels(12, 1.1) == 13


def test_pixels() -> None:
    assert RELEASED.pixels(224, 1.15) == 258
    assert RELEASED.changed(resolution_multiple=8).pixels(224, 1.15) == 256
    assert RELEASED.changed(resolution_multiple=32).pixels(224, 1.01) == 224
    assert RELEASED.changed(resolution_multiple=32).pixels(100, 1) == 100
