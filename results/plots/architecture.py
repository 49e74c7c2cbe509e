"""An architecture drawn stage by stage: each block with its output shape and its costs.

``parts`` folds equal neighbours into one row; ``text`` draws the rows for a terminal and ``svg`` as a picture
with a cuboid for each feature map (its side follows the logarithm of the resolution, its depth that of the
channels). An embedded picture takes its colours from the page's style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from results.plots import theme
from results.plots.axes import count
from space.architecture import Architecture
from space.block_types import BLOCK_TYPES
from space.blocks import Block
from space.cost import segment_costs

COLORED = (*BLOCK_TYPES, "other")
"""What a block is coloured by: its block type, "other" for everything else."""


@dataclass(frozen=True, slots=True)
class Part:
    """``repeats`` equal blocks in a row; ``shape`` is what comes out, costs are of all of them."""

    section: str
    block: Block
    repeats: int
    shape: tuple[int, ...]
    params: int
    macs: int

    @property
    def description(self) -> str:
        """The block in words, with the number of repeats."""
        words = self.block.description
        return f"{self.repeats} × {words}" if self.repeats > 1 else words


def parts(architecture: Architecture) -> list[Part]:
    """The rows of the drawing, in order of execution; blocks that do nothing are left out."""
    rows: list[Part] = []
    for path, block, segment in architecture.segments():
        if segment.identity:
            continue
        part, _, rest = path.partition(".")
        section = f"stage {int(rest.split('.')[0]) + 1}" if part == "stages" else part
        costs = segment_costs(segment)
        last = rows[-1] if rows else None
        if last and (last.section, last.block, last.shape) == (section, block, segment.shape):
            rows[-1] = replace(
                last,
                repeats=last.repeats + 1,
                params=last.params + costs.params,
                macs=last.macs + costs.macs,
            )
        else:
            rows.append(Part(section, block, 1, segment.shape, costs.params, costs.macs))
    return rows


def shape_text(shape: Sequence[int]) -> str:
    """``16 × 32 × 32``: channels, height, width."""
    return " × ".join(map(str, shape))


def table(architecture: Architecture) -> list[dict[str, Any]]:
    """The parts as plain rows: ``part``, ``block``, ``repeats``, ``shape``, ``params``, ``macs``, ``share`` of the MACs."""
    rows = parts(architecture)
    total = sum(p.macs for p in rows) or 1
    return [
        {
            "part": p.section,
            "block": p.block.description,
            "repeats": p.repeats,
            "shape": list(p.shape),
            "params": p.params,
            "macs": p.macs,
            "share": p.macs / total,
        }
        for p in rows
    ]


def text(architecture: Architecture, width: int = 100) -> str:
    """The architecture for a terminal of ``width`` columns: one line per part, with a bar for its share of MACs."""
    rows = parts(architecture)
    total = sum(p.macs for p in rows) or 1
    largest = max((p.macs for p in rows), default=0) or 1
    shapes = [shape_text(p.shape) for p in rows]
    shape_width = max(map(len, [*shapes, "output"]))
    params = [count(p.params) for p in rows]
    macs = [count(p.macs) for p in rows]
    number_width = max(map(len, [*params, *macs, "params"]))
    bar_width = 12 if width >= 96 else 0
    fixed = 10 + (2 + shape_width) + 2 * (2 + number_width) + (2 + bar_width) + 7
    words_width = max(16, width - fixed)
    lines = [
        f"{'':10}{'block':{words_width}}  {'output':>{shape_width}}  {'params':>{number_width}}"
        f"  {'MACs':>{number_width}}"
    ]
    start = (architecture.in_channels, architecture.resolution, architecture.resolution)
    lines.append(f"{'input':10}{'':{words_width}}  {shape_text(start):>{shape_width}}")
    section = ""
    for part, shape, p, m in zip(rows, shapes, params, macs, strict=True):
        head = part.section if part.section != section else ""
        section = part.section
        words = _shortened(part.description, words_width)
        share = f"{100 * part.macs / total:4.1f} %" if part.macs else ""
        line = f"{head:10}{words:{words_width}}  {shape:>{shape_width}}  {p:>{number_width}}  {m:>{number_width}}"
        lines.append(f"{line}  {_bar(part.macs / largest, bar_width):{bar_width}} {share}".rstrip())
    summary = f"{count(sum(p.params for p in rows))} params, {count(total)} MACs"
    lines.append(f"{'total':10}{summary}")
    return "\n".join(lines)


def _bar(share: float, width: int) -> str:
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def _shortened(words: str, width: int) -> str:
    return words if len(words) <= width else words[: width - 1] + "…"


_WIDTH, _ROW, _SECTION, _BAR = 410, 40, 24, 72
_LETTERS = 40  # of 12.5 px that fit between the cuboid and the bar


def svg(architecture: Architecture, *, look: theme.Theme = theme.LIGHT, embedded: bool = False) -> str:
    """The architecture as SVG text, 410 units wide and as high as it needs to be.

    ``embedded`` leaves colours and font to the page, which styles the classes ``ink``, ``muted``, ``rail``
    and ``block-*``.
    """
    rows = parts(architecture)
    largest = max((p.macs for p in rows), default=0) or 1
    start = (architecture.in_channels, architecture.resolution, architecture.resolution)
    body: list[str] = [_cuboid(20, 20, start, "other"), _label(48, 18, "Input", "ink")]
    body.append(_label(48, 33, shape_text(start), "muted small"))
    y = 44.0
    section = ""
    for part in rows:
        if part.section != section:
            section = part.section
            body.append(f'<line class="rail" x1="0" x2="{_WIDTH}" y1="{y:g}" y2="{y:g}"/>')
            body.append(_label(0, y + 16, section, "muted small strong"))
            y += _SECTION
        body.append(_row(part, y, largest))
        y += _ROW
    height = math.ceil(y + 4)
    title = escape(f"{architecture.label}: {len(architecture.blocks)} blocks")
    style = "" if embedded else f"<style>{_style(look)}</style>"
    paper = "" if embedded else f'<rect width="100%" height="100%" fill="{look.paper}"/>'
    box = f"0 0 {_WIDTH} {height}" if embedded else f"-12 -8 {_WIDTH + 24} {height + 16}"
    paper = paper.replace("<rect ", '<rect x="-12" y="-8" ')
    size = "" if embedded else f' width="{_WIDTH + 24}" height="{height + 16}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="network" viewBox="{box}"{size} role="img">'
        f"<title>{title}</title>{style}{paper}{''.join(body)}</svg>"
    )


def _row(part: Part, y: float, largest: int) -> str:
    middle = y + _ROW / 2
    left = _WIDTH - _BAR
    words = _shortened(part.description, _LETTERS)
    params = f" · {count(part.params)} params" if part.params else ""
    pieces = [
        f"<g><title>{escape(part.description)}: {count(part.params)} params, {count(part.macs)} MACs</title>",
        _cuboid(20, middle, part.shape, part.block.block_type),
        _label(48, middle - 3, words, "ink"),
        _label(48, middle + 12, shape_text(part.shape) + params, "muted small"),
    ]
    if part.macs:
        length = max(1.5, _BAR * part.macs / largest)
        pieces.append(
            f'<rect class="block-{part.block.block_type}" x="{left}" y="{middle + 1:g}" width="{length:.1f}" height="6" rx="1"/>'
        )
        pieces.append(_label(left, middle - 4, f"{count(part.macs)} MACs", "muted small"))
    return "".join([*pieces, "</g>"])


def _label(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(words)}</text>'


def _cuboid(x: float, y: float, shape: Sequence[int], style: str) -> str:
    """A feature map around (x, y): front face by resolution, depth by channels; a vector is a thin rod."""
    side = 4 + 2.5 * math.log2(shape[1]) if len(shape) == 3 else 3.0
    depth = 1.4 * math.log2(max(2, shape[0]))
    left, top = x - (side + depth) / 2, y - (side - depth) / 2
    right, bottom = left + side, top + side

    def face(points: Sequence[tuple[float, float]], opacity: float) -> str:
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        return f'<polygon class="block-{style}" points="{path}" fill-opacity="{opacity}"/>'

    return (
        face([(left, top), (right, top), (right, bottom), (left, bottom)], 0.95)
        + face([(left, top), (left + depth, top - depth), (right + depth, top - depth), (right, top)], 0.6)
        + face(
            [(right, top), (right + depth, top - depth), (right + depth, bottom - depth), (right, bottom)],
            0.4,
        )
    )


def block_colors(look: theme.Theme) -> dict[str, str]:
    """Block type → colour in ``look``."""
    return {**dict(zip(COLORED, look.series, strict=False)), "other": look.dot}


def _style(look: theme.Theme) -> str:
    fills = "".join(f".block-{name}{{fill:{color}}}" for name, color in block_colors(look).items())
    return (
        f"text{{font:12.5px system-ui,'DejaVu Sans',sans-serif;fill:{look.ink}}}"
        f".small{{font-size:11px}}.strong{{font-weight:600}}.muted{{fill:{look.muted}}}"
        f".rail{{stroke:{look.grid};stroke-width:1}}{fills}"
    )
