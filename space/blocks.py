"""The building blocks of convolutional networks, as frozen values.

Each block says once, in ``lower``, which primitive operations it is made of; costs, keys and torch
modules all follow from that. A block does not hold its input channels: they come from whatever stands
before it, so the same block value can stand anywhere in a network.

Convolutions are padded by kernel // 2 (symmetric, as in PyTorch) unless said otherwise, so a stride s
gives ceil(size / s) as TensorFlow's SAME padding does, with the same parameters and operations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

from space.errors import InputError
from space.graph import GraphBuilder, pair
from space.operations import (
    AdaptiveAvgPool,
    Add,
    Concat,
    Dropout,
    Flatten,
    Linear,
    LocalResponse,
    Pair,
    Pool2d,
    Scale,
    StochasticDepth,
    check_activation,
)


def round_channels(channels: float, divisor: int = 8, floor: float = 0.9) -> int:
    """``channels`` to the nearest multiple of ``divisor``, never below ``floor`` of what was asked.

    The rule of the released MobileNet and EfficientNet code (``round_filters``/``make_divisible``).
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < floor * channels else rounded


def expanded_channels(in_channels: int, expansion: float, divisor: int) -> int:
    """Channels inside an inverted bottleneck: to the nearest whole number, or to ``divisor`` where it is not 1."""
    if divisor == 1:
        return max(1, round(in_channels * expansion))
    return round_channels(in_channels * expansion, divisor)


@dataclass(frozen=True, slots=True)
class Block(ABC):
    """Root of all blocks: an immutable value that checks itself when made."""

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:  # noqa: B027 - not abstract: some blocks have nothing to check
        """Raises InputError naming the field, what was wanted and what came."""

    @abstractmethod
    def lower(self, g: GraphBuilder, x: int) -> int:
        """Adds this block's operations, reading node ``x``, to ``g``; returns the node of its output."""

    def _want(self, name: str, ok: bool, wanted: str) -> None:
        if not ok:
            raise InputError.of(f"{type(self).__name__}.{name}", wanted, getattr(self, name))

    def _positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            self._want(
                name,
                isinstance(value, int) and not isinstance(value, bool) and value > 0,
                "a positive whole number",
            )

    def _rate(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            ok = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
            self._want(name, ok, "a rate in [0, 1)")

    def _odd_kernel(self, name: str = "kernel") -> None:
        kernel = getattr(self, name)
        ok = isinstance(kernel, int) and not isinstance(kernel, bool) and kernel > 0 and kernel % 2 == 1
        self._want(name, ok, "an odd positive kernel")


@dataclass(frozen=True, slots=True)
class SqueezeExcite(Block):
    """Squeeze-and-excitation (Hu et al. 2018): pool, reduce, expand, gate, scale.

    The squeezed width is ``ratio`` of the block's input channels (``of="input"``, EfficientNet) or of the
    channels it gates (``of="gated"``, SENet and MobileNetV3), rounded to ``divisor``. In a chain of
    blocks the two are the same.
    """

    ratio: float = 0.25
    of: str = "input"
    divisor: int = 1
    activation: str = "relu"
    gate: str = "sigmoid"

    def check(self) -> None:
        self._want("ratio", 0 < self.ratio <= 1, "a share in (0, 1]")
        self._want("of", self.of in ("input", "gated"), "'input' or 'gated'")
        self._positive("divisor")
        check_activation("SqueezeExcite.activation", self.activation)
        check_activation("SqueezeExcite.gate", self.gate)

    def squeezed(self, input_channels: int, gated_channels: int) -> int:
        base = input_channels if self.of == "input" else gated_channels
        if self.divisor == 1:
            return max(1, int(base * self.ratio))
        return round_channels(base * self.ratio, self.divisor)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return self.excite(g, x, g.channels(x))

    def excite(self, g: GraphBuilder, x: int, input_channels: int) -> int:
        """Gates ``x``, in a block whose own input has ``input_channels``."""
        channels = g.channels(x)
        with g.scope("se"):
            y = g.add(AdaptiveAvgPool(1), x, name="pool")
            y = g.conv(y, self.squeezed(input_channels, channels), bias=True, name="reduce")
            y = g.activation(y, self.activation)
            y = g.conv(y, channels, bias=True, name="expand")
            y = g.activation(y, self.gate, name="gate")
            return g.add(Scale(), x, y, name="scale")


def _excite(g: GraphBuilder, x: int, block: SqueezeExcite | None, input_channels: int) -> int:
    return x if block is None else block.excite(g, x, input_channels)


def _residual(g: GraphBuilder, shortcut: int, branch: int, drop_path: float) -> int:
    if drop_path > 0:
        branch = g.add(StochasticDepth(drop_path), branch, name="drop_path")
    return g.add(Add(), shortcut, branch, name="add")


@dataclass(frozen=True, slots=True)
class Conv(Block):
    """Convolution, then batch normalisation (a bias where ``norm`` is off), then a non-linearity."""

    out_channels: int
    kernel: int | Pair = 3
    stride: int = 1
    groups: int = 1
    norm: bool = True
    activation: str | None = "relu"
    padding: int | Pair | None = None
    bias: bool | None = None

    def check(self) -> None:
        self._positive("out_channels", "stride", "groups")
        self._want("kernel", min(pair(self.kernel)) > 0, "a positive kernel")
        self._want("padding", self.padding is None or min(pair(self.padding)) >= 0, "padding of 0 or more")
        check_activation("Conv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.conv(
            x,
            self.out_channels,
            self.kernel,
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            bias=not self.norm if self.bias is None else self.bias,
        )
        if self.norm:
            x = g.norm(x)
        return g.activation(x, self.activation)


@dataclass(frozen=True, slots=True)
class NormAct(Block):
    """Batch normalisation and a non-linearity (what closes a pre-activation network)."""

    activation: str | None = "relu"

    def check(self) -> None:
        check_activation("NormAct.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.activation(g.norm(x), self.activation)


@dataclass(frozen=True, slots=True)
class Activate(Block):
    """A bare non-linearity."""

    function: str = "relu"

    def check(self) -> None:
        check_activation("Activate.function", self.function)

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.activation(x, self.function)


@dataclass(frozen=True, slots=True)
class Pool(Block):
    """Max or average pooling (``kind`` "max" or "avg"), padded by kernel // 2 unless ``padding`` says else."""

    kind: str = "max"
    kernel: int = 3
    stride: int = 2
    padding: int | None = None
    ceil_mode: bool = False

    def check(self) -> None:
        self._want("kind", self.kind in ("max", "avg"), "'max' or 'avg'")
        self._positive("kernel", "stride")
        self._want(
            "padding",
            self.padding is None or 0 <= self.padding <= self.kernel // 2,
            "padding of at most half the kernel",
        )

    def lower(self, g: GraphBuilder, x: int) -> int:
        p = self.kernel // 2 if self.padding is None else self.padding
        op = Pool2d(self.kind, pair(self.kernel), pair(self.stride), pair(p), self.ceil_mode)
        return g.add(op, x, name="pool")


@dataclass(frozen=True, slots=True)
class LocalResponseNorm(Block):
    """Local response normalisation (Krizhevsky et al. 2012, §3.3); ``alpha`` as PyTorch defines it, divided by ``size``."""

    size: int = 5
    alpha: float = 5e-4
    beta: float = 0.75
    k: float = 2.0

    def check(self) -> None:
        self._positive("size")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.add(LocalResponse(self.size, self.alpha, self.beta, self.k), x, name="lrn")


@dataclass(frozen=True, slots=True)
class GlobalPool(Block):
    """Average pooling to ``size`` × ``size``; 1 is global average pooling."""

    size: int = 1

    def check(self) -> None:
        self._positive("size")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return g.add(AdaptiveAvgPool(self.size), x, name="pool")


@dataclass(frozen=True, slots=True)
class Drop(Block):
    """Dropout (Srivastava et al. 2014). A rate of 0 is no operation at all."""

    rate: float = 0.5

    def check(self) -> None:
        self._rate("rate")

    def lower(self, g: GraphBuilder, x: int) -> int:
        return x if self.rate == 0 else g.add(Dropout(self.rate), x, name="dropout")


@dataclass(frozen=True, slots=True)
class Dense(Block):
    """Fully connected layer, flattening what comes in; ``features=None`` means the network's classes."""

    features: int | None = None
    activation: str | None = None

    def check(self) -> None:
        if self.features is not None:
            self._positive("features")
        check_activation("Dense.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        if len(g.shape(x)) == 3:
            x = g.add(Flatten(), x, name="flatten")
        features = g.classes if self.features is None else self.features
        x = g.add(Linear(g.shape(x)[0], features), x, name="linear")
        return g.activation(x, self.activation)


@dataclass(frozen=True, slots=True)
class MBConv(Block):
    """Mobile inverted bottleneck (Sandler et al. 2018; with squeeze-excite, Tan & Le 2019).

    1×1 expansion to ``expansion`` times the input channels (absent at 1), depthwise ``kernel``,
    squeeze-excite, linear 1×1 projection; identity skip where stride is 1 and the channels stay.
    ``always_expand`` keeps the expansion at 1 too, as FBNet does.
    """

    out_channels: int
    kernel: int = 3
    expansion: float = 6
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = True
    activation: str = "relu6"
    drop_path: float = 0.0
    hidden_divisor: int = 1
    always_expand: bool = False

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._want("expansion", self.expansion > 0, "a positive factor")
        self._rate("drop_path")
        check_activation("MBConv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = expanded_channels(in_channels, self.expansion, self.hidden_divisor)
        if hidden != in_channels or self.always_expand:
            x = g.conv_norm_act(x, hidden, activation=self.activation, name="expand")
        x = g.conv_norm_act(
            x,
            hidden,
            self.kernel,
            stride=self.stride,
            groups=hidden,
            activation=self.activation,
            name="depthwise",
        )
        x = _excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = _residual(g, shortcut, x, self.drop_path)
        return x


@dataclass(frozen=True, slots=True)
class FusedMBConv(Block):
    """MBConv whose expansion and depthwise steps are one dense convolution (Tan & Le 2021).

    At expansion 1 that convolution is all there is, unless ``always_expand`` keeps the projection behind it.
    """

    out_channels: int
    kernel: int = 3
    expansion: float = 4
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = True
    activation: str = "silu"
    drop_path: float = 0.0
    hidden_divisor: int = 1
    always_expand: bool = False

    def check(self) -> None:
        self._positive("out_channels", "stride", "hidden_divisor")
        self._odd_kernel()
        self._want("expansion", self.expansion > 0, "a positive factor")
        self._rate("drop_path")
        check_activation("FusedMBConv.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        hidden = expanded_channels(in_channels, self.expansion, self.hidden_divisor)
        if hidden != in_channels or self.always_expand:
            x = g.conv_norm_act(
                x, hidden, self.kernel, stride=self.stride, activation=self.activation, name="expand"
            )
            x = _excite(g, x, self.squeeze_excite, in_channels)
            x = g.conv_norm_act(x, self.out_channels, activation=None, name="project")
        else:
            x = g.conv_norm_act(
                x, self.out_channels, self.kernel, stride=self.stride, activation=self.activation, name="conv"
            )
            x = _excite(g, x, self.squeeze_excite, in_channels)
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = _residual(g, shortcut, x, self.drop_path)
        return x


@dataclass(frozen=True, slots=True)
class DepthwiseSeparable(Block):
    """Depthwise then 1×1 convolution, each normalised; MobileNetV1 (Howard et al. 2017) activates both.

    ``project_activation=None`` leaves the projection linear, and ``skip`` adds the identity, which
    together are MBConv at expansion 1.
    """

    out_channels: int
    kernel: int = 3
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    skip: bool = False
    activation: str = "relu"
    project_activation: str | None = "relu"
    drop_path: float = 0.0

    def check(self) -> None:
        self._positive("out_channels", "stride")
        self._odd_kernel()
        self._rate("drop_path")
        check_activation("DepthwiseSeparable.activation", self.activation)
        check_activation("DepthwiseSeparable.project_activation", self.project_activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        shortcut, in_channels = x, g.channels(x)
        x = g.conv_norm_act(
            x,
            in_channels,
            self.kernel,
            stride=self.stride,
            groups=in_channels,
            activation=self.activation,
            name="depthwise",
        )
        x = _excite(g, x, self.squeeze_excite, in_channels)
        x = g.conv_norm_act(x, self.out_channels, activation=self.project_activation, name="project")
        if self.skip and self.stride == 1 and self.out_channels == in_channels:
            x = _residual(g, shortcut, x, self.drop_path)
        return x


@dataclass(frozen=True, slots=True)
class Basic(Block):
    """Two 3×3 convolutions and a shortcut (He et al. 2016a); ``pre_activation`` as in He et al. 2016b."""

    out_channels: int
    stride: int = 1
    squeeze_excite: SqueezeExcite | None = None
    pre_activation: bool = False
    activation: str = "relu"
    drop_path: float = 0.0

    def check(self) -> None:
        self._positive("out_channels", "stride")
        self._rate("drop_path")
        check_activation("Basic.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        convs = (("conv1", self.out_channels, 3, self.stride, 1), ("conv2", self.out_channels, 3, 1, 1))
        return _residual_block(g, x, self, convs)


@dataclass(frozen=True, slots=True)
class Bottleneck(Block):
    """1×1 to ``width``, 3×3 (grouped as in ResNeXt, Xie et al. 2017), 1×1 to ``out_channels``, and a shortcut.

    The 3×3 carries the stride (ResNet "v1.5", the form that public implementations share).
    """

    out_channels: int
    width: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    squeeze_excite: SqueezeExcite | None = None
    pre_activation: bool = False
    activation: str = "relu"
    drop_path: float = 0.0

    def check(self) -> None:
        self._positive("out_channels", "width", "stride", "groups")
        self._odd_kernel()
        self._want("groups", self.width % self.groups == 0, f"a divisor of width {self.width}")
        self._rate("drop_path")
        check_activation("Bottleneck.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        convs = (
            ("conv1", self.width, 1, 1, 1),
            ("conv2", self.width, self.kernel, self.stride, self.groups),
            ("conv3", self.out_channels, 1, 1, 1),
        )
        return _residual_block(g, x, self, convs)


def _residual_block(
    g: GraphBuilder,
    x: int,
    block: Basic | Bottleneck,
    convs: tuple[tuple[str, int, int, int, int], ...],
) -> int:
    """A chain of convolutions (name, channels, kernel, stride, groups) beside a shortcut, post- or pre-activated."""
    in_channels, projected = g.channels(x), block.stride != 1 or g.channels(x) != block.out_channels
    shortcut = x
    if block.pre_activation:
        for index, (name, channels, kernel, stride, groups) in enumerate(convs):
            with g.scope(name):
                x = g.activation(g.norm(x), block.activation)
                if index == 0 and projected:
                    # He et al. 2016b: a projection reads the activated input, an identity the raw one.
                    shortcut = g.conv(x, block.out_channels, stride=block.stride, name="shortcut")
                x = g.conv(x, channels, kernel, stride=stride, groups=groups)
        x = _excite(g, x, block.squeeze_excite, in_channels)
        return _residual(g, shortcut, x, block.drop_path)
    for index, (name, channels, kernel, stride, groups) in enumerate(convs):
        last = index == len(convs) - 1
        x = g.conv_norm_act(
            x,
            channels,
            kernel,
            stride=stride,
            groups=groups,
            activation=None if last else block.activation,
            name=name,
        )
    x = _excite(g, x, block.squeeze_excite, in_channels)
    if projected:
        shortcut = g.conv_norm_act(
            shortcut, block.out_channels, stride=block.stride, activation=None, name="shortcut"
        )
    return g.activation(_residual(g, shortcut, x, block.drop_path), block.activation)


@dataclass(frozen=True, slots=True)
class Inception(Block):
    """Four branches, concatenated (Szegedy et al. 2014): 1×1; 1×1→3×3; 1×1→``wide_kernel``; pool→1×1.

    ``wide_kernel`` is 5 in the paper and 3 in the batch-normalised networks that public implementations
    ship. ``norm=False`` gives the 2014 form, with biases and no normalisation.
    """

    conv1: int
    reduce3: int
    conv3: int
    reduce5: int
    conv5: int
    pool: int
    wide_kernel: int = 5
    norm: bool = True
    activation: str = "relu"

    def check(self) -> None:
        self._positive("conv1", "reduce3", "conv3", "reduce5", "conv5", "pool")
        self._odd_kernel("wide_kernel")
        check_activation("Inception.activation", self.activation)

    @property
    def out_channels(self) -> int:
        return self.conv1 + self.conv3 + self.conv5 + self.pool

    def lower(self, g: GraphBuilder, x: int) -> int:
        def conv(y: int, channels: int, kernel: int, name: str) -> int:
            return g.conv_norm_act(y, channels, kernel, norm=self.norm, activation=self.activation, name=name)

        branches = (
            conv(x, self.conv1, 1, "conv1"),
            conv(conv(x, self.reduce3, 1, "reduce3"), self.conv3, 3, "conv3"),
            conv(conv(x, self.reduce5, 1, "reduce5"), self.conv5, self.wide_kernel, "conv5"),
            conv(g.add(Pool2d("max", (3, 3), (1, 1), (1, 1)), x, name="pool"), self.pool, 1, "project"),
        )
        return g.add(Concat(), *branches, name="concat")


@dataclass(frozen=True, slots=True)
class Parallel(Block):
    """Chains of blocks side by side, concatenated; an empty chain passes the input through."""

    branches: tuple[tuple[Block, ...], ...]

    def check(self) -> None:
        self._want("branches", len(self.branches) >= 2, "two or more branches")

    def lower(self, g: GraphBuilder, x: int) -> int:
        outputs = []
        for index, branch in enumerate(self.branches):
            with g.scope(f"branch{index + 1}"):
                outputs.append(lower_chain(g, x, branch))
        return g.add(Concat(), *outputs, name="concat")


@dataclass(frozen=True, slots=True)
class DenseLayer(Block):
    """One layer of a dense block (Huang et al. 2017): norm, act, 1×1 to ``bottleneck``·growth, norm, act, 3×3, concatenated to its input."""

    growth: int
    bottleneck: int = 4
    activation: str = "relu"
    dropout: float = 0.0

    def check(self) -> None:
        self._positive("growth", "bottleneck")
        self._rate("dropout")
        check_activation("DenseLayer.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        y = x
        for name, channels, kernel in (
            ("conv1", self.bottleneck * self.growth, 1),
            ("conv2", self.growth, 3),
        ):
            with g.scope(name):
                y = g.activation(g.norm(y), self.activation)
                y = g.conv(y, channels, kernel)
        if self.dropout > 0:
            y = g.add(Dropout(self.dropout), y, name="dropout")
        return g.add(Concat(), x, y, name="concat")


@dataclass(frozen=True, slots=True)
class Transition(Block):
    """Between dense blocks: norm, act, 1×1 to ``compression`` of the channels, 2×2 average pooling."""

    compression: float = 0.5
    activation: str = "relu"

    def check(self) -> None:
        self._want("compression", 0 < self.compression <= 1, "a share in (0, 1]")
        check_activation("Transition.activation", self.activation)

    def lower(self, g: GraphBuilder, x: int) -> int:
        x = g.activation(g.norm(x), self.activation)
        x = g.conv(x, max(1, int(g.channels(x) * self.compression)))
        return g.add(Pool2d("avg", (2, 2), (2, 2)), x, name="pool")


@dataclass(frozen=True, slots=True)
class Auxiliary(Block):
    """A classifier hung on the side of the network for training, its loss counted ``weight`` times.

    It passes its input on unchanged and is dropped at inference (Szegedy et al. 2014, §5).
    """

    blocks: tuple[Block, ...]
    weight: float = 0.3

    def check(self) -> None:
        self._want("blocks", len(self.blocks) > 0, "at least one block")
        self._want("weight", self.weight > 0, "a positive loss weight")

    def lower(self, g: GraphBuilder, x: int) -> int:
        with g.scope("auxiliary"):
            g.auxiliary(lower_chain(g, x, self.blocks), self.weight)
        return x


def lower_chain(g: GraphBuilder, x: int, blocks: tuple[Block, ...]) -> int:
    """Lowers ``blocks`` one after the other from node ``x``."""
    for index, block in enumerate(blocks):
        with g.scope(str(index)):
            x = block.lower(g, x)
    return x


BLOCKS: dict[str, type[Block]] = {
    cls.__name__: cls
    for cls in (
        Activate,
        Auxiliary,
        Basic,
        Bottleneck,
        Conv,
        Dense,
        DenseLayer,
        DepthwiseSeparable,
        Drop,
        FusedMBConv,
        GlobalPool,
        Inception,
        LocalResponseNorm,
        MBConv,
        NormAct,
        Parallel,
        Pool,
        SqueezeExcite,
        Transition,
    )
}


def settings(block: Block) -> dict[str, Any]:
    """A block's fields, in order, as a plain dict."""
    return {f.name: getattr(block, f.name) for f in fields(block)}
