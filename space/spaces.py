"""The search spaces by name: ``mixed``, ``mbconv``, ``bottleneck``, ``inception``, and those of published tables.

The first four are one template (``space.template``) fitted to the images.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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

SPACES: dict[str, Factory] = {
    "mixed": partial(_named, "mixed", ("mbconv", "bottleneck", "inception")),
    "mbconv": partial(_named, "mbconv", ("mbconv",)),
    "bottleneck": partial(_named, "bottleneck", ("bottleneck",)),
    "inception": partial(_named, "inception", ("inception",)),
    "nas-bench-macro": nas_bench_macro,
    "mnasnet": mnasnet,
    "nas-bench-201": nas_bench_201,
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
