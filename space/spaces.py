"""The search spaces by name: ``mixed``, ``mbconv``, ``bottleneck``, ``inception``, and those of published tables.

The first four are one template. A network is a stem, four stages and a head. In every stage the search
chooses the depth (0 leaves the stage out), the width, the block family where there is a choice, and
the family's own settings, which exist only where that family was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from space.architecture import Architecture, Stage
from space.blocks import (
    Block,
    Bottleneck,
    Conv,
    Dense,
    Drop,
    GlobalPool,
    Inception,
    MBConv,
    Pool,
    SqueezeExcite,
    round_channels,
)
from space.errors import InputError, UnknownNameError
from space.search_space import Decision, Option, SearchSpace

FAMILIES: dict[str, dict[str, tuple[Option, ...]]] = {
    "mbconv": {"kernel": (3, 5), "expansion": (2, 4, 6), "se": (0.0, 0.25), "skip": (True, False)},
    "bottleneck": {
        "ratio": (0.25, 0.5),
        "groups": (1, 4),
        "se": (0.0, 0.25),
        "pre_activation": (False, True),
    },
    "inception": {"split": ("even", "narrow", "wide"), "wide_kernel": (3, 5), "reduce": (0.25, 0.5)},
}
# Shares of an inception block's output given to its 1×1, 3×3, 5×5 and pooling branches: equal, as
# GoogLeNet's 3a (mostly 3×3), and with more of the wide kernel than it.
SPLITS: dict[str, tuple[float, float, float, float]] = {
    "even": (0.25, 0.25, 0.25, 0.25),
    "narrow": (0.25, 0.5, 0.125, 0.125),
    "wide": (0.125, 0.375, 0.375, 0.125),
}


@dataclass(frozen=True, slots=True)
class StageTemplate:
    """What is open in one stage: its depths and width factors around ``channels``, entered at ``stride``."""

    channels: int
    stride: int = 1
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[float, ...] = (0.75, 1.0, 1.25)

    def __post_init__(self) -> None:
        if self.channels < 8:
            raise InputError.of("stage.channels", "8 or more", self.channels)
        if self.stride not in (1, 2):
            raise InputError.of("stage.stride", "1 or 2", self.stride)
        if not self.depths or min(self.depths) < 0:
            raise InputError.of("stage.depths", "whole numbers of 0 or more", self.depths)
        if not self.widths or min(self.widths) <= 0:
            raise InputError.of("stage.widths", "positive factors", self.widths)


@dataclass(frozen=True)
class Template:
    """A family of networks with its open choices; ``search_space`` turns it into decisions.

    ``options`` overrides the settings of a block family, for example ``{"mbconv": {"kernel": (3, 5, 7)}}``.
    """

    name: str
    families: tuple[str, ...]
    stages: tuple[StageTemplate, ...]
    resolution: int
    in_channels: int = 3
    classes: int = 10
    stem_channels: int = 16
    stem_stride: int = 1
    head_channels: int = 128
    dropout: float = 0.1
    activation: str = "relu"
    options: Mapping[str, Mapping[str, tuple[Option, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.families or not self.stages:
            raise InputError(f"space {self.name}: wanted one or more families and stages")
        for family in self.families:
            if family not in FAMILIES:
                raise UnknownNameError(f"space {self.name}: family", family, FAMILIES)
        for family, settings in self.options.items():
            if family not in FAMILIES:
                raise UnknownNameError(f"space {self.name}: options", family, FAMILIES)
            for setting in settings:
                if setting not in FAMILIES[family]:
                    raise UnknownNameError(f"space {self.name}: options.{family}", setting, FAMILIES[family])

    def search_space(self) -> SearchSpace:
        """The decisions of this template and the function that builds a network from them."""
        decisions: list[Decision] = []
        for number, stage in enumerate(self.stages, start=1):
            decisions += self._stage_decisions(f"stage{number}", stage)
        return SearchSpace(self.name, tuple(decisions), self.build)

    def _stage_decisions(self, prefix: str, stage: StageTemplate) -> list[Decision]:
        depth = Decision(f"{prefix}.depth", stage.depths)
        present = tuple(d for d in stage.depths if d > 0)
        if not present:
            return [depth]
        conditional = {"parent": depth.name, "when": present} if 0 in stage.depths else {}
        block = Decision(f"{prefix}.block", self.families, **conditional)  # type: ignore[arg-type]
        decisions = [depth, Decision(f"{prefix}.width", stage.widths, **conditional), block]  # type: ignore[arg-type]
        for family in self.families:
            for setting, default in FAMILIES[family].items():
                options = self.options.get(family, {}).get(setting, default)
                decisions.append(
                    Decision(f"{prefix}.{family}.{setting}", tuple(options), block.name, (family,))
                )
        return decisions

    def build(self, decisions: Mapping[str, Option]) -> Architecture:
        """The network that the decisions stand for."""
        stages: list[Stage] = []
        for number, stage in enumerate(self.stages, start=1):
            depth = int(decisions[f"stage{number}.depth"])
            if depth:
                stages.append(Stage(self._stage_blocks(f"stage{number}", stage, depth, decisions)))
        return Architecture(
            stem=(Conv(self.stem_channels, 3, self.stem_stride, activation=self.activation),),
            stages=tuple(stages),
            head=(
                Conv(self.head_channels, 1, activation=self.activation),
                GlobalPool(),
                Drop(self.dropout),
                Dense(),
            ),
            resolution=self.resolution,
            classes=self.classes,
            in_channels=self.in_channels,
        )

    def _stage_blocks(
        self, prefix: str, stage: StageTemplate, depth: int, decisions: Mapping[str, Option]
    ) -> tuple[Block, ...]:
        family = str(decisions[f"{prefix}.block"])
        channels = round_channels(stage.channels * float(decisions[f"{prefix}.width"]))
        chosen: dict[str, Any] = {s: decisions[f"{prefix}.{family}.{s}"] for s in FAMILIES[family]}
        if family == "inception":
            # GoogLeNet reduces with a max pool in front of its blocks, not inside them.
            pool: tuple[Block, ...] = (Pool("max", 3, 2),) if stage.stride == 2 else ()
            return pool + (self._inception(channels, chosen),) * depth
        make = self._mbconv if family == "mbconv" else self._bottleneck
        first, rest = make(channels, stage.stride, chosen), make(channels, 1, chosen)
        return (first,) + (rest,) * (depth - 1)

    def _mbconv(self, channels: int, stride: int, chosen: Mapping[str, Any]) -> Block:
        return MBConv(
            channels,
            kernel=chosen["kernel"],
            expansion=chosen["expansion"],
            stride=stride,
            squeeze_excite=_squeeze_excite(chosen["se"]),
            skip=chosen["skip"],
            activation=self.activation,
        )

    def _bottleneck(self, channels: int, stride: int, chosen: Mapping[str, Any]) -> Block:
        return Bottleneck(
            channels,
            width=round_channels(channels * chosen["ratio"]),
            stride=stride,
            groups=chosen["groups"],
            squeeze_excite=_squeeze_excite(chosen["se"]),
            pre_activation=chosen["pre_activation"],
            activation=self.activation,
        )

    def _inception(self, channels: int, chosen: Mapping[str, Any]) -> Block:
        shares = SPLITS[chosen["split"]]
        conv3, conv5, pool = (max(1, int(channels * share)) for share in shares[1:])
        reduce = chosen["reduce"]
        return Inception(
            conv1=channels - conv3 - conv5 - pool,
            reduce3=max(4, int(channels * reduce)),
            conv3=conv3,
            reduce5=max(4, int(channels * reduce / 2)),
            conv5=conv5,
            pool=pool,
            wide_kernel=chosen["wide_kernel"],
            activation=self.activation,
        )


def _squeeze_excite(ratio: float) -> SqueezeExcite | None:
    return SqueezeExcite(ratio) if ratio > 0 else None


def template(
    name: str, families: tuple[str, ...], resolution: int | None, in_channels: int, classes: int
) -> Template:
    """Four stages fitted to the images: small ones keep their detail longer, large ones get a strided stem."""
    resolution = 32 if resolution is None else resolution
    large = resolution >= 64
    strides = (1, 2, 2, 1) if resolution < 32 else (1, 2, 2, 2)
    channels = (16, 24, 40, 80) if large else (16, 32, 48, 64)
    stages = tuple(
        StageTemplate(c, s, depths=(1, 2, 3) if i < 2 else (0, 1, 2, 3))
        for i, (c, s) in enumerate(zip(channels, strides, strict=True))
    )
    return Template(
        name,
        families,
        stages,
        resolution,
        in_channels,
        classes,
        stem_stride=2 if large else 1,
        head_channels=256 if large else 128,
    )


def _named(
    name: str, families: tuple[str, ...], resolution: int | None, in_channels: int, classes: int
) -> SearchSpace:
    return template(name, families, resolution, in_channels, classes).search_space()


Factory = Callable[[int | None, int, int], SearchSpace]

SPACES: dict[str, Factory] = {
    "mixed": partial(_named, "mixed", ("mbconv", "bottleneck", "inception")),
    "mbconv": partial(_named, "mbconv", ("mbconv",)),
    "bottleneck": partial(_named, "bottleneck", ("bottleneck",)),
    "inception": partial(_named, "inception", ("inception",)),
}


def space(
    name: str, *, resolution: int | None = None, in_channels: int = 3, classes: int = 10
) -> SearchSpace:
    """The search space called ``name`` for images of ``in_channels`` × ``resolution`` × ``resolution``.

    ``resolution=None`` takes the space's own. Raises UnknownNameError with the nearest names.
    """
    if name not in SPACES:
        raise UnknownNameError("space", name, SPACES)
    return SPACES[name](resolution, in_channels, classes)
