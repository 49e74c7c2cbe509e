"""One block of timm's block strings as a value: what ``ir_r2_k3_s2_e6_c24_se0.25`` says, but its repeats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class BlockString:
    """The fields of a string.

    ``kind`` is the first of them; a ``cn`` with a residual is read as kind ``"cn skip"``. ``skip`` is None where
    the string does not say it. ``squeeze_excite`` holds a ``SqueezeExcite`` block. ``hidden_divisor`` is what the
    inner channels are rounded to, None where the block has no expansion.

    ``start_kernel`` and ``end_kernel`` (``a`` and ``p``) are the outer depthwise convolutions of a ``uir``.
    ``group_size`` (``gs``) is None where the string does not say it, and 0 for one group of all channels.
    ``expand_from`` (``fc``) are the channels that an ``er`` expands in place of those that come in, 0 where the string
    does not say it. ``in_channels`` are those that come in; they are no part of the text.
    """

    kind: str
    out_channels: int
    kernel: int
    stride: int = 1
    expansion: float = 1
    squeeze_excite: Any = None
    skip: bool | None = None
    activation: str = "relu"
    hidden_divisor: int | None = None
    start_kernel: int = 0
    end_kernel: int = 0
    group_size: int | None = None
    expand_from: int = 0
    in_channels: int = field(default=0, compare=False)

    def inverted_bottleneck(self) -> dict[str, Any]:
        """The fields that all inverted bottlenecks share."""
        return {
            "out_channels": self.out_channels,
            "kernel": self.kernel,
            "expansion": self.expansion,
            "stride": self.stride,
            "squeeze_excite": self.squeeze_excite,
            "skip": self.skip is not False,
            "activation": self.activation,
            "hidden_divisor": self.hidden_divisor,
        }
