"""How each primitive operation is written in PyTorch: the call that makes its module, argument by argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from space.operations import (
    Activation,
    AdaptiveAvgPool,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    LayerNorm,
    LayerScale,
    Linear,
    LocalResponse,
    Operation,
    Pool2d,
    StochasticDepth,
    Zero,
)

REQUIRED = object()
"""The default of an argument that has none."""

_ACTIVATIONS = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "silu": "nn.SiLU",
    "hard_swish": "nn.Hardswish",
    "sigmoid": "nn.Sigmoid",
    "hard_sigmoid": "nn.Hardsigmoid",
    "gelu": "nn.GELU",
    "tanh": "nn.Tanh",
}
IDENTITY = "nn.Identity"

# What PyTorch has no module for, as the file defines it.
HELPERS = {
    "LayerNorm2d": '''
class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel (Ba et al. 2016; Liu et al. 2022)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
''',
    "LayerScale": '''
class LayerScale(nn.Module):
    """A trained factor for each channel (Touvron et al. 2021)."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]
''',
    "Zero": '''
class Zero(nn.Module):
    """Zeros of the input's shape."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0
''',
    "DropPath": '''
class DropPath(nn.Module):
    """Training drops the branch with probability ``rate``, image by image (Huang et al. 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(x.shape[0], 1, 1, 1, dtype=x.dtype, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)
''',
}


@dataclass(frozen=True)
class Argument:
    """One argument of a call. ``role`` is what it means: ``in``, ``out`` and ``channels`` count channels.

    ``positional`` arguments are written without their names.
    """

    name: str
    role: str
    value: Any
    default: Any = REQUIRED
    positional: bool = False


def call_of(op: Operation) -> tuple[str, tuple[Argument, ...]]:
    """(what is called, its arguments); an activation is its own ``function``, which is called without any."""
    match op:
        case Conv2d():
            return "nn.Conv2d", (
                Argument("in_channels", "in", op.in_channels, positional=True),
                Argument("out_channels", "out", op.out_channels, positional=True),
                Argument("kernel_size", "kernel", short(op.kernel), positional=True),
                Argument("stride", "stride", short(op.stride), 1),
                Argument("padding", "padding", short(op.padding), 0),
                Argument("groups", "groups", op.groups, 1),
                Argument("bias", "bias", op.bias, True),
            )
        case BatchNorm():
            return "nn.BatchNorm2d", (
                Argument("num_features", "in", op.channels, positional=True),
                Argument("eps", "eps", op.eps, 1e-5),
                Argument("momentum", "momentum", op.momentum, 0.1),
            )
        case LayerNorm():
            return "LayerNorm2d", (
                Argument("channels", "in", op.channels, positional=True),
                Argument("eps", "eps", op.eps, 1e-6),
            )
        case LayerScale():
            return "LayerScale", (
                Argument("channels", "in", op.channels, positional=True),
                Argument("initial", "initial", op.initial, positional=True),
            )
        case Linear():
            return "nn.Linear", (
                Argument("in_features", "in", op.in_features, positional=True),
                Argument("out_features", "out", op.out_features, positional=True),
                Argument("bias", "bias", op.bias, True),
            )
        case Activation():
            return "", (Argument("activation", "function", _ACTIVATIONS[op.function], positional=True),)
        case Pool2d():
            return _pool(op)
        case AdaptiveAvgPool():
            return "nn.AdaptiveAvgPool2d", (Argument("output_size", "size", op.size, positional=True),)
        case LocalResponse():
            return "nn.LocalResponseNorm", (
                Argument("size", "size", op.size, positional=True),
                Argument("alpha", "alpha", op.alpha, 1e-4),
                Argument("beta", "beta", op.beta, 0.75),
                Argument("k", "k", op.k, 1.0),
            )
        case Flatten():
            return "nn.Flatten", ()
        case Dropout():
            return "nn.Dropout", (Argument("p", "dropout", op.rate, positional=True),)
        case Zero():
            return "Zero", ()
        case StochasticDepth():
            # Rates that rise in equal steps have long decimals, which training does not notice.
            return "DropPath", (Argument("rate", "drop_path", round(op.rate, 5), positional=True),)
    raise TypeError(f"no way to write {type(op).__name__}")


def _pool(op: Pool2d) -> tuple[str, tuple[Argument, ...]]:
    arguments = (
        Argument("kernel_size", "kernel", short(op.kernel), positional=True),
        Argument("stride", "stride", short(op.stride), short(op.kernel)),
        Argument("padding", "padding", short(op.padding), 0),
        Argument("ceil_mode", "ceil_mode", op.ceil_mode, False),
    )
    if op.kind == "max":
        return "nn.MaxPool2d", arguments
    # Without padding there is none to count.
    counted = Argument("count_include_pad", "count_include_pad", op.padding == (0, 0), True)
    return "nn.AvgPool2d", (*arguments, counted)


def short(pair: tuple[int, int]) -> int | tuple[int, int]:
    """``(3, 3)`` → ``3``."""
    return pair[0] if pair[0] == pair[1] else pair
