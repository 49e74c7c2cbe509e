"""Architecture → block strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from space.architecture import Architecture
from space.blocks import Block, Conv, Dense, Drop, GlobalPool
from space.errors import InputError
from space.notation.frame import SUFFIXES, Frame, number
from space.notation.reading import read

_SUFFIX_OF = {activation: suffix for suffix, activation in SUFFIXES.items()}
_SKIP = {None: "", True: "_skip", False: "_noskip"}


def write(architecture: Architecture) -> str:
    """The network as block strings; ``read`` gives it back, with the same key.

    Raises InputError naming the first block that the notation cannot say.
    """
    frame = _frame_of(architecture)
    stages = ",".join("+".join(stage) for stage in arch_def(architecture))
    settings = frame.settings()
    text = f"{stages}@{settings}" if settings else stages
    if read(text).key != architecture.key:
        raise InputError.of(
            "block strings", "a network that they can say (without stochastic depth)", architecture.label
        )
    return text


def arch_def(architecture: Architecture) -> list[list[str]]:
    """The stages alone, as timm takes them: a list of strings for each stage."""
    frame = _frame_of(architecture)
    written = []
    for index, stage in enumerate(architecture.stages):
        strings = []
        for block, repeats in _runs(stage.blocks):
            strings.append(_write_block(block, repeats, frame, f"stages.{index}"))
        written.append(strings)
    return written


def _frame_of(architecture: Architecture) -> Frame:
    """The frame of ``architecture``. Raises InputError where its stem or head is of another form."""
    stem = architecture.stem[0] if architecture.stem else None
    if len(architecture.stem) != 1 or not isinstance(stem, Conv) or stem.activation is None:
        raise _unsayable("stem", "one 3x3 convolution", architecture)
    rest = list(architecture.head)
    found: dict[str, Any] = {"head": 0, "dropout": 0.0}
    if rest and isinstance(rest[0], Conv):
        found["head"] = rest[0].out_channels
        del rest[0]
    if rest[:1] != [GlobalPool()] or rest[-1] != Dense():
        raise _unsayable("head", "a pool and a linear layer", architecture)
    for block in rest[1:-1]:
        if isinstance(block, Dense) and block.features is not None:
            found["features"] = block.features
        elif isinstance(block, Drop):
            found["dropout"] = block.rate
        else:
            raise _unsayable("head", "a pool and linear layers", architecture)
    blocks = [block for stage in architecture.stages for block in stage.blocks]
    strings = [string for block in blocks if (string := block.to_string()) is not None]
    gates = [string.squeeze_excite for string in strings if string.squeeze_excite is not None]
    if gates:
        # One setting serves the whole network; write() compares the result with what was meant.
        gate = gates[0]
        found["se_act"] = "" if gate.activation == stem.activation else gate.activation
        found |= {"se_of": gate.of, "se_divisor": gate.divisor, "se_gate": gate.gate}
    fractions = any(string.expansion != int(string.expansion) for string in strings)
    usual = 8 if fractions else 1
    divisors = (string.hidden_divisor for string in strings)
    used = next((divisor for divisor in divisors if divisor is not None), usual)
    return Frame(
        stem=stem.out_channels,
        stem_stride=stem.stride,
        act=stem.activation,
        hidden_divisor=0 if used == usual else used,
        resolution=architecture.resolution,
        classes=architecture.classes,
        in_channels=architecture.in_channels,
        **found,
    )


def _runs(blocks: tuple[Block, ...]) -> Iterator[tuple[Block, int]]:
    """(first block, how many): a block and the blocks behind it that are the same without its stride."""
    index = 0
    while index < len(blocks):
        rest = blocks[index].without_stride()
        end = index + 1
        while end < len(blocks) and blocks[end] == rest:
            end += 1
        yield blocks[index], end - index
        index = end


def _write_block(block: Block, repeats: int, frame: Frame, path: str) -> str:
    string = block.to_string()
    if string is None:
        raise InputError.of(path, "a block that block strings can say", block)
    text = f"{string.kind}_r{repeats}_k{string.kernel}_s{string.stride}"
    if string.kind != "cn":
        text += f"_e{number(string.expansion)}"
    text += f"_c{string.out_channels}"
    if string.squeeze_excite is not None:
        text += f"_se{number(string.squeeze_excite.ratio)}"
    if string.activation != frame.act:
        if string.activation not in _SUFFIX_OF:
            raise InputError.of(path, f"an activation among {', '.join(_SUFFIX_OF)}", string.activation)
        text += f"_{_SUFFIX_OF[string.activation]}"
    return text + _SKIP[string.skip]


def _unsayable(where: str, wanted: str, architecture: Architecture) -> InputError:
    return InputError.of(f"block strings: {where}", wanted, architecture.label)
