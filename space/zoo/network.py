"""One known network: a name, the function that makes its parts, and the settings it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from space.architecture import Architecture, Stage
from space.blocks import Block, ResidualLayer
from space.errors import InputError, UnknownNameError
from space.limits import LARGEST_FACTOR
from space.scaling import scale


class Parts(NamedTuple):
    """What an architecture is made of, before it meets its images and its classes."""

    stem: tuple[Block, ...]
    stages: tuple[Stage, ...]
    head: tuple[Block, ...]


# The settings of every network, and what each must be.
SETTINGS: dict[str, type] = {
    "width": float,
    "depth": float,
    "resolution": int,
    "classes": int,
    "in_channels": int,
    "drop_path": float,
}


@dataclass(frozen=True)
class ZooNetwork:
    """A network of the literature. Calling it gives the Architecture, with other settings where given.

    ``parts`` makes stem, stages and head; if it takes ``width``, the network has its own published rule
    for width, otherwise width is scaled by ``space.scaling.scale`` with the released rounding, as depth
    always is. ``resolution`` is what the published figures were measured at.
    """

    name: str
    parts: Callable[..., Parts]
    source: str
    resolution: int = 224

    def __call__(
        self,
        *,
        width: float = 1.0,
        depth: float = 1.0,
        resolution: int | None = None,
        classes: int = 1000,
        in_channels: int = 3,
        drop_path: float = 0.0,
    ) -> Architecture:
        """The architecture, labelled with the settings that differ from the published ones.

        ``drop_path`` gives the residual blocks stochastic depth, rising linearly to that rate at the last
        (Huang et al. 2016, §3).
        """
        for argument, value in (("width", width), ("depth", depth)):
            if not isinstance(value, (int, float)) or not 0 < value <= LARGEST_FACTOR:
                raise InputError.of(argument, f"a positive multiplier up to {LARGEST_FACTOR}", value)
        if not isinstance(drop_path, (int, float)) or not 0 <= drop_path < 1:
            raise InputError.of("drop_path", "a rate in [0, 1)", drop_path)
        own = {"width": width} if self.own_width else {}
        parts = self.parts(**own)
        pixels = self.resolution if resolution is None else resolution
        if depth == 1 and (width == 1 or own):
            scaled = Architecture(*parts, pixels, classes, in_channels)
        else:
            base = Architecture(*parts, self.resolution, classes, in_channels)
            scaled = scale(base, depth=depth, width=1.0 if own else width, resolution=pixels)
        changed = {"width": (width, 1.0), "depth": (depth, 1.0), "resolution": (pixels, self.resolution)}
        changed |= {
            "classes": (classes, 1000),
            "in_channels": (in_channels, 3),
            "drop_path": (drop_path, 0.0),
        }
        label = ",".join(f"{k}={_text(v)}" for k, (v, usual) in changed.items() if v != usual)
        return _with_drop_path(scaled, drop_path).replace(name=f"{self.name}@{label}" if label else self.name)

    @property
    def own_width(self) -> bool:
        """Whether the network has its own rule for width."""
        return "width" in inspect.signature(self.parts).parameters

    def with_settings(self, text: str) -> Architecture:
        """The architecture with ``text``, such as ``"width=1.4,resolution=192"``, applied."""
        values: dict[str, Any] = {}
        for item in text.split(","):
            key, equals, value = item.partition("=")
            key = key.strip()
            if not equals or not key:
                raise InputError.of(f"{self.name}@", "settings such as width=1.4,resolution=192", text)
            if key not in SETTINGS:
                raise UnknownNameError(f"{self.name}@", key, SETTINGS)
            if key in values:
                raise InputError.of(f"{self.name}@{key}", "each setting once", text)
            try:
                values[key] = SETTINGS[key](value)
            except ValueError:
                wanted = "a whole number" if SETTINGS[key] is int else "a number"
                raise InputError.of(f"{self.name}@{key}", wanted, value) from None
        return self(**values)


def _text(value: float) -> str:
    """The shortest text that reads back as ``value``: 2.0 → ``2``, 1.4 → ``1.4``."""
    return str(int(value)) if isfinite(value) and value == int(value) else repr(value)


def _with_drop_path(architecture: Architecture, rate: float) -> Architecture:
    """``architecture`` with the drop rate of its residual blocks rising linearly to ``rate``."""
    if rate == 0:
        return architecture
    total = sum(isinstance(b, ResidualLayer) for stage in architecture.stages for b in stage.blocks)
    if not total:
        raise InputError(f"drop_path: wanted a network with residual blocks, got {architecture.label}")
    count = 0
    stages = []
    for stage in architecture.stages:
        blocks: list[Block] = []
        for block in stage.blocks:
            if isinstance(block, ResidualLayer):
                count += 1
                block = block.changed(drop_path=rate * count / total)
            blocks.append(block)
        stages.append(Stage(tuple(blocks)))
    return architecture.replace(stages=tuple(stages))
