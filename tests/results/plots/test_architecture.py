"""Architectures drawn for the terminal and as SVG: every block once, costs that add up."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest

from results.plots import architecture as drawing
from results.plots import theme
from space.architecture import Architecture
from space.block_types import BLOCK_TYPES
from space.cost import costs
from space.spaces import space
from space.zoo import architecture

SVG = "{http://www.w3.org/2000/svg}"


def networks() -> list[Architecture]:
    drawn = space("mixed", resolution=32)
    rng = random.Random(0)
    return [drawn.decode(drawn.sample(rng)) for _ in range(8)] + [
        architecture(name) for name in ("efficientnet_b0", "resnet50", "googlenet")
    ]


@pytest.mark.parametrize("network", networks(), ids=lambda n: n.label)
def test_parts_add_up_to_the_network(network: Architecture) -> None:
    rows = drawing.parts(network)
    known = costs(network)
    assert sum(p.macs for p in rows) == known.macs
    assert sum(p.params for p in rows) == known.params
    assert sum(p.repeats for p in rows) == sum(not s.identity for _, _, s in network.segments())
    assert rows[-1].shape == (network.classes,)


@pytest.mark.parametrize("network", networks(), ids=lambda n: n.label)
def test_the_svg_holds_every_part_inside_its_box(network: Architecture) -> None:
    root = ElementTree.fromstring(drawing.svg(network))
    assert root.findtext(f"{SVG}title") == f"{network.label}: {len(network.blocks)} blocks"
    titles = [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    for title, part in zip(titles, drawing.parts(network), strict=True):
        assert title is not None
        assert title.startswith(part.description)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        assert left <= x <= left + width
        assert top <= y <= top + height
        # 12.5 px letters are about 6.3 wide: a description ends before the column of bars.
        if text.attrib["class"] == "ink":
            assert x + 6.3 * len(text.text or "") <= left + width - 60
    for bar in root.findall(f"{SVG}g/{SVG}rect"):
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= left + width


def test_text_for_a_terminal() -> None:
    network = architecture("efficientnet_b0")
    for width in (80, 120):
        lines = drawing.text(network, width).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[-1].split() == ["total", "5.29M", "params,", "386M", "MACs"]
    wide = drawing.text(network, 120)
    assert "MBConv 3×3, expand 1×, SE 1/4" in wide
    assert "3 × MBConv 5×5, expand 6×, SE 1/4" in wide
    assert "320 × 7 × 7" in wide


def test_table_shares_sum_to_one() -> None:
    table = drawing.table(architecture("resnet50"))
    assert sum(row["share"] for row in table) == pytest.approx(1)
    assert table[-1]["shape"] == [1000]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("efficientnet_b0", "MBConv 5×5, expand 6×, SE 1/4, stride 2"),
        ("efficientnetv2_s", "3 × Fused MBConv 3×3, expand 4×"),
        ("mobilenet_v1", "Depthwise separable 3×3, stride 2"),
        ("preact_resnet18", "2 × Basic 3×3, pre-act"),
        ("resnext50_32x4d", "3 × Bottleneck 3×3, width 128, 32 groups"),
        ("googlenet", "Inception 64+128+32+32, wide 5×5"),
        ("densenet121", "DenseLayer, growth 32, bottleneck 4"),
        ("alexnet", "Max pool 3×3, stride 2"),
        ("alexnet", "Conv 11×11, stride 4"),
    ],
)
def test_blocks_in_words(name: str, words: str) -> None:
    assert words in [part.description for part in drawing.parts(architecture(name))]


def test_each_block_type_has_a_colour_of_its_own() -> None:
    for look in (theme.LIGHT, theme.DARK):
        colors = drawing.block_colors(look)
        assert list(colors) == [*BLOCK_TYPES, "other"]
        assert len(set(colors.values())) == len(colors)
