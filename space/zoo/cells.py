"""The search space of NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326): one cell, stacked fifteen times.

A convolution, then three stages of five cells with 16, 32 and 64 channels, between which ``CellReduction`` halves
the map; batch normalisation, ReLU, global average pooling and the classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from space.architecture import Architecture, Stage
from space.blocks import CELL_OPERATIONS, Cell, CellReduction, Conv, Dense, GlobalPool, NormAct
from space.search_space import Decision, Option, SearchSpace

_EDGES = 6
_CELLS = 5
_CHANNELS = (16, 32, 64)


def nas_bench_201(resolution: int | None, in_channels: int, classes: int) -> SearchSpace:
    """Decisions ``e0`` … ``e5``, the operations on the edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3; 32 pixels by default."""
    decisions = tuple(Decision(f"e{i}", CELL_OPERATIONS) for i in range(_EDGES))
    build = partial(_build, resolution=resolution or 32, in_channels=in_channels, classes=classes)
    return SearchSpace("nas-bench-201", decisions, build)


def _build(
    decisions: Mapping[str, Option], *, resolution: int, in_channels: int, classes: int
) -> Architecture:
    cell = Cell(tuple(str(decisions[f"e{i}"]) for i in range(_EDGES)))
    return stacked(cell, resolution, in_channels, classes)


def stacked(cell: Cell, resolution: int = 32, in_channels: int = 3, classes: int = 10) -> Architecture:
    """The network of the benchmark with ``cell`` in its stages."""
    cells = (cell,) * _CELLS
    first, *later = _CHANNELS
    return Architecture(
        stem=(Conv(first, 3, activation=None),),
        stages=(Stage(cells), *(Stage((CellReduction(channels), *cells)) for channels in later)),
        head=(NormAct(), GlobalPool(), Dense()),
        resolution=resolution,
        classes=classes,
        in_channels=in_channels,
    )
