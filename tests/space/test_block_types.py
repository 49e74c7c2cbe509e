"""The registry of block types: each makes stages of the chosen depth, channels and stride from any of its options."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from space.block_types import BLOCK_TYPES, StageChoice
from space.segment import lower_block

PAGE = Path(__file__).parents[2] / "docs" / "space.md"


@pytest.mark.parametrize("name", BLOCK_TYPES)
@pytest.mark.parametrize("stride", [1, 2])
def test_stages_have_the_chosen_depth_channels_and_stride(name: str, stride: int) -> None:
    block_type = BLOCK_TYPES[name]
    for options in product(*block_type.settings.values()):
        settings = dict(zip(block_type.settings, options, strict=True))
        blocks = block_type.stage(StageChoice(32, stride, 3, "relu", settings))
        assert sum(block.is_layer for block in blocks) == 3
        assert {block.block_type for block in blocks if block.is_layer} == {name}
        shape: tuple[int, ...] = (16, 16, 16)
        for block in blocks:
            shape = lower_block(block, shape, 10).shape
        assert shape == (32, 16 // stride, 16 // stride)


@pytest.mark.parametrize("name", BLOCK_TYPES)
def test_every_option_makes_another_stage(name: str) -> None:
    block_type = BLOCK_TYPES[name]
    stages = [
        block_type.stage(StageChoice(32, 1, 2, "relu", dict(zip(block_type.settings, options, strict=True))))
        for options in product(*block_type.settings.values())
    ]
    assert len(set(stages)) == len(stages)


def test_the_page_lists_every_block_type_with_its_options() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for name, block_type in BLOCK_TYPES.items():
        settings, options = rows[name].rstrip("| ").split(" | ")
        assert settings == ", ".join(f"`{setting}`" for setting in block_type.settings)
        words = [", ".join(map(_word, values)) for values in block_type.settings.values()]
        assert options == "; ".join(words)


def _word(option: object) -> str:
    if isinstance(option, bool):
        return str(option).lower()
    return f"{option:g}" if isinstance(option, float) else str(option)
