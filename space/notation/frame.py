"""What block strings leave open: stem, head, default activation, squeeze-and-excitation."""

from __future__ import annotations

from dataclasses import dataclass, fields

from space.blocks import SqueezeExcite
from space.operations import check_activation

SUFFIXES = {"nre": "relu", "nr6": "relu6", "nhs": "hard_swish", "nsw": "silu"}
"""The activations that a string can name."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What block strings leave open, by default as in EfficientNet-B0.

    ``stem_kernel`` is the stem's kernel. ``head`` 0 means no convolution before the pool, ``pooled`` 0 no normalised
    1×1 convolution behind it (MobileNetV4 has one), ``features`` 0 no linear layer between pool and logits; an empty ``se_act`` means ``act``, and ``hidden_divisor`` 0 means 8 where some expansion is a
    fraction, as in timm, and 1 otherwise.
    """

    stem: int = 32
    stem_kernel: int = 3
    stem_stride: int = 2
    head: int = 1280
    pooled: int = 0
    features: int = 0
    act: str = "silu"
    dropout: float = 0.2
    se_act: str = ""
    se_of: str = "input"
    se_divisor: int = 1
    se_gate: str = "sigmoid"
    hidden_divisor: int = 0
    resolution: int = 224
    classes: int = 1000
    in_channels: int = 3

    def __post_init__(self) -> None:
        check_activation("act", self.act)

    def squeeze_excite(self, ratio: float) -> SqueezeExcite | None:
        if not ratio:
            return None
        return SqueezeExcite(ratio, self.se_of, self.se_divisor, self.se_act or self.act, self.se_gate)

    def settings(self) -> str:
        """The settings that differ from the defaults, as they stand behind ``@``."""
        return ",".join(
            f"{f.name}={number(value)}" for f in fields(self) if (value := getattr(self, f.name)) != f.default
        )


def number(value: object) -> str:
    """6.0 → ``6``, 0.25 → ``0.25``."""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
