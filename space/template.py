"""Templates: a family of networks with named open choices, written down as a value or in a TOML file.

A network is a stem, some stages and a head. In every stage the search chooses the depth (0 leaves the
stage out), the width, the block family where there is a choice, and the family's own settings, which
exist only where that family was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
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
    resolution: int = 32
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


def template_from_dict(data: Mapping[str, Any], source: str) -> Template:
    """The template that a spec file writes down, every key a field of ``Template`` or ``StageTemplate``.

    ::

        name = "mine"
        families = ["mbconv", "inception"]
        resolution = 32
        stages = [{ channels = 16 }, { channels = 32, stride = 2, depths = [0, 1, 2] }]
        options.mbconv.kernel = [3, 5, 7]

    Raises InputError or UnknownNameError naming ``source``, the key, what was wanted and what came.
    """
    given = dict(data)
    stages = given.get("stages")
    if not isinstance(stages, list) or not all(isinstance(s, Mapping) for s in stages):
        raise InputError.of(f"{source}: stages", "a list of tables such as {channels = 16}", stages)
    given["stages"] = tuple(
        _from_table(StageTemplate, stage, f"{source}: stages[{i}]") for i, stage in enumerate(stages)
    )
    made = _from_table(Template, given, source)
    assert isinstance(made, Template)
    return made


def _from_table(kind: type[Template] | type[StageTemplate], table: Mapping[str, Any], source: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    for key in table:
        if key not in known:
            raise UnknownNameError(f"{source}: key", key, known)
    for name, item in known.items():
        if name not in table and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"{source}: wanted the key {name!r}, which is missing")
    try:
        return kind(**{key: _frozen(value) for key, value in table.items()})
    except TypeError as error:
        raise InputError(f"{source}: a value of the wrong type ({error})") from None
    except UnknownNameError:
        raise
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, Mapping):
        return {k: _frozen(v) for k, v in value.items()}
    return value
