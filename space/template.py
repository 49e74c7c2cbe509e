"""Templates: networks with named open choices, written down as a value or in a TOML file.

A network is a stem, some stages and a head. In every stage the search chooses the depth (0 leaves the
stage out), the width, the block type where there is a choice, and the settings of the block type, which
exist only where that type was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from space.architecture import Architecture, Stage
from space.block_types import BLOCK_TYPES, StageChoice, check_options
from space.blocks import Block, Conv, Dense, Drop, GlobalPool, round_channels
from space.errors import InputError, UnknownNameError
from space.limits import LARGEST_FACTOR, LARGEST_NUMBER, LARGEST_RESOLUTION, MOST_STAGES
from space.operations import check_activation
from space.search_space import Decision, Option, SearchSpace, is_number, is_whole


@dataclass(frozen=True, slots=True)
class StageTemplate:
    """What is open in one stage: its depths and width factors around ``channels``, entered at ``stride``."""

    channels: int
    stride: int = 1
    depths: tuple[int, ...] = (1, 2, 3)
    widths: tuple[float, ...] = (0.75, 1.0, 1.25)

    def __post_init__(self) -> None:
        if not is_whole(self.channels, 8, LARGEST_NUMBER):
            raise InputError.of("stage.channels", f"8 to {LARGEST_NUMBER}", self.channels)
        if not is_whole(self.stride, 1, 2):
            raise InputError.of("stage.stride", "1 or 2", self.stride)
        for name, ok, wanted in (
            ("depths", lambda d: is_whole(d, 0, LARGEST_FACTOR), f"whole numbers from 0 to {LARGEST_FACTOR}"),
            (
                "widths",
                lambda w: is_number(w, 0, LARGEST_FACTOR) and w > 0,
                f"positive factors up to {LARGEST_FACTOR}",
            ),
        ):
            values = getattr(self, name)
            if not isinstance(values, tuple) or not values or not all(map(ok, values)):
                raise InputError.of(f"stage.{name}", wanted, values)


@dataclass(frozen=True)
class Template:
    """Networks with their open choices; ``search_space`` turns it into decisions.

    ``block_types`` are names in ``space.block_types.BLOCK_TYPES``. ``options`` overrides the options of their
    settings, for example ``{"mbconv": {"kernel": (3, 5, 7)}}``.
    """

    name: str
    block_types: tuple[str, ...]
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
        if not isinstance(self.name, str) or not self.name or not self.name.isprintable():
            raise InputError.of("space: name", "text on one line", self.name)
        what = f"space {self.name}"
        if not isinstance(self.block_types, tuple) or not self.block_types or not self.stages:
            raise InputError(f"{what}: wanted one or more block types and stages")
        if len(self.stages) > MOST_STAGES:
            raise InputError(f"{what}: wanted at most {MOST_STAGES} stages, got {len(self.stages)}")
        self._check_numbers(what)
        check_activation(f"{what}: activation", self.activation)
        for name in self.block_types:
            if name not in BLOCK_TYPES:
                raise UnknownNameError(f"{what}: block type", name, BLOCK_TYPES)
        if not isinstance(self.options, Mapping):
            raise InputError.of(f"{what}: options", "a table of block types", self.options)
        for name, options in self.options.items():
            if name not in BLOCK_TYPES:
                raise UnknownNameError(f"{what}: options", name, BLOCK_TYPES)
            check_options(f"{what}: options.{name}", BLOCK_TYPES[name], options)

    def _check_numbers(self, what: str) -> None:
        for name, least, most in (
            ("resolution", 1, LARGEST_RESOLUTION),
            ("in_channels", 1, LARGEST_NUMBER),
            ("classes", 1, LARGEST_NUMBER),
            ("stem_channels", 1, LARGEST_NUMBER),
            ("stem_stride", 1, LARGEST_NUMBER),
            ("head_channels", 1, LARGEST_NUMBER),
        ):
            if not is_whole(getattr(self, name), least, most):
                raise InputError.of(
                    f"{what}: {name}", f"a whole number from {least} to {most}", getattr(self, name)
                )
        if not is_number(self.dropout, 0, 1) or self.dropout == 1:
            raise InputError.of(f"{what}: dropout", "a rate in [0, 1)", self.dropout)

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
        parent, when = (depth.name, present) if 0 in stage.depths else (None, ())
        block = Decision(f"{prefix}.block", self.block_types, parent, when)
        decisions = [depth, Decision(f"{prefix}.width", stage.widths, parent, when), block]
        for name in self.block_types:
            for setting, default in BLOCK_TYPES[name].settings.items():
                options = self.options.get(name, {}).get(setting, default)
                decisions.append(Decision(f"{prefix}.{name}.{setting}", tuple(options), block.name, (name,)))
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
        block_type = BLOCK_TYPES[str(decisions[f"{prefix}.block"])]
        return block_type.stage(
            StageChoice(
                channels=round_channels(stage.channels * float(decisions[f"{prefix}.width"])),
                stride=stage.stride,
                depth=depth,
                activation=self.activation,
                settings={s: decisions[f"{prefix}.{block_type.name}.{s}"] for s in block_type.settings},
            )
        )


def template_from_dict(data: Mapping[str, Any], source: str) -> Template:
    """The template that a spec file writes down, every key a field of ``Template`` or ``StageTemplate``.

    ::

        name = "mine"
        block_types = ["mbconv", "inception"]
        resolution = 32
        stages = [{ channels = 16 }, { channels = 32, stride = 2, depths = [0, 1, 2] }]
        options.mbconv.kernel = [3, 5, 7]

    ``families`` is the older name of ``block_types``, which files and stored studies still hold.

    Raises InputError or UnknownNameError naming ``source``, the key, what was wanted and what came.
    """
    if not isinstance(data, Mapping):
        raise InputError.of(source, "a table that writes a space down", data)
    given = dict(data)
    if "families" in given:
        if "block_types" in given:
            raise InputError(f"{source}: wanted block_types or its older name families, got both")
        given["block_types"] = given.pop("families")
    stages = given.get("stages")
    if not isinstance(stages, list) or not all(isinstance(s, Mapping) for s in stages):
        raise InputError.of(f"{source}: stages", "a list of tables such as {channels = 16}", stages)
    given["stages"] = tuple(
        _from_table(StageTemplate, stage, f"{source}: stages[{i}]") for i, stage in enumerate(stages)
    )
    made = _from_table(Template, given, source)
    assert isinstance(made, Template)
    return made


def template_to_dict(template: Template) -> dict[str, Any]:
    """What ``template_from_dict`` reads back as an equal template; defaults are left out."""
    return _to_table(template) | {"stages": [_to_table(stage) for stage in template.stages]}


def _to_table(value: Template | StageTemplate) -> dict[str, Any]:
    return {
        item.name: _thawed(getattr(value, item.name))
        for item in fields(value)
        if item.default is MISSING or getattr(value, item.name) != item.default
    }


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thawed(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _thawed(v) for k, v in value.items()}
    return value


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
