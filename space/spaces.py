"""The search spaces by name: ``around-budget``, ``mixed``, ``mbconv``, ``bottleneck``, ``inception``, and those of published tables.

The first is fitted to the images and the budgets (``space.around_budget``). The next four are one template
(``space.template``) fitted to the images alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from space import around_budget
from space.around_budget import AroundBudget
from space.errors import UnknownNameError
from space.search_space import SearchSpace
from space.template import StageTemplate, Template
from space.zoo.cells import nas_bench_201
from space.zoo.spaces import mnasnet, nas_bench_macro


def template(
    name: str, block_types: tuple[str, ...], resolution: int | None, in_channels: int, classes: int
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
        block_types,
        stages,
        resolution,
        in_channels,
        classes,
        stem_stride=2 if large else 1,
        head_channels=256 if large else 128,
    )


def _named(
    name: str, block_types: tuple[str, ...], resolution: int | None, in_channels: int, classes: int
) -> SearchSpace:
    return template(name, block_types, resolution, in_channels, classes).search_space()


Factory = Callable[[int | None, int, int], SearchSpace]


def _around_budget(
    resolution: int | None,
    in_channels: int,
    classes: int,
    bounds: Mapping[str, float] = MappingProxyType({}),
) -> SearchSpace:
    pixels = 32 if resolution is None else resolution
    return AroundBudget(bounds, pixels, in_channels, classes).search_space()


SPACES: dict[str, Factory] = {
    around_budget.NAME: _around_budget,
    "mixed": partial(_named, "mixed", ("mbconv", "bottleneck", "inception")),
    "mbconv": partial(_named, "mbconv", ("mbconv",)),
    "bottleneck": partial(_named, "bottleneck", ("bottleneck",)),
    "inception": partial(_named, "inception", ("inception",)),
    "nas-bench-macro": nas_bench_macro,
    "mnasnet": mnasnet,
    "nas-bench-201": nas_bench_201,
}


def space(
    name: str,
    *,
    resolution: int | None = None,
    in_channels: int = 3,
    classes: int = 10,
    bounds: Mapping[str, float] = MappingProxyType({}),
) -> SearchSpace:
    """The search space called ``name`` for images of ``in_channels`` × ``resolution`` × ``resolution``.

    ``resolution=None`` takes the space's own. ``bounds`` (cost → bound) are the budgets, which a space may be built around.
    Raises UnknownNameError with the nearest names.
    """
    if name not in SPACES:
        raise UnknownNameError("space", name, SPACES)
    if name == around_budget.NAME:
        return _around_budget(resolution, in_channels, classes, bounds)
    return SPACES[name](resolution, in_channels, classes)
