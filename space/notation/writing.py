"""Architecture → block strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from space.architecture import Architecture
from space.blocks import Block, BlockString, Conv, Dense, Drop, GlobalPool
from space.errors import InputError
from space.graph import pair
from space.notation.frame import SUFFIXES, Frame, number
from space.notation.reading import read

_SUFFIX_OF = {activation: suffix for suffix, activation in SUFFIXES.items()}
_SKIP = {None: "", True: "_skip", False: "_noskip"}


def write(architecture: Architecture) -> str:
    """The network as block strings; ``read`` gives it back, with the same key.

    Raises InputError naming the first block that the notation cannot say.
    """
    frame = frame_of(architecture)
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
    frame = frame_of(architecture)
    written = []
    for index, blocks in enumerate(_stage_strings(architecture)):
        strings = []
        for string, repeats in _runs([_sayable(block, string, index) for block, string in blocks]):
            strings.append(_write_string(string, repeats, frame, f"stages.{index}"))
        written.append(strings)
    return written


def _stage_strings(architecture: Architecture) -> list[list[tuple[Block, BlockString | None]]]:
    """Each stage's blocks as block strings, None where there is no notation for a block."""
    stages: list[list[tuple[Block, BlockString | None]]] = [[] for _ in architecture.stages]
    channels = architecture.in_channels
    for path, block, segment in architecture.segments():
        if path.startswith("stages."):
            stages[int(path.split(".")[1])].append((block, block.to_string(channels)))
        channels = segment.shape[0]
    return stages


def _sayable(block: Block, string: BlockString | None, stage: int) -> BlockString:
    if string is None:
        raise InputError.of(f"stages.{stage}", "a block that block strings can say", block)
    return string


def frame_of(architecture: Architecture) -> Frame:
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
    del rest[0], rest[-1]
    if rest and isinstance(rest[0], Conv):
        found["pooled"] = rest[0].out_channels
        del rest[0]
    for block in rest:
        if isinstance(block, Dense) and block.features is not None:
            found["features"] = block.features
        elif isinstance(block, Drop):
            found["dropout"] = block.rate
        else:
            raise _unsayable("head", "a pool and linear layers", architecture)
    strings = [s for stage in _stage_strings(architecture) for _, s in stage if s is not None]
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
        stem_kernel=pair(stem.kernel)[0],
        stem_stride=stem.stride,
        act=stem.activation,
        hidden_divisor=0 if used == usual else used,
        resolution=architecture.resolution,
        classes=architecture.classes,
        in_channels=architecture.in_channels,
        **found,
    )


def _runs(strings: list[BlockString]) -> Iterator[tuple[BlockString, int]]:
    """(first string, how many): a string and those behind it that say the same without its stride."""
    index = 0
    while index < len(strings):
        rest = replace(strings[index], stride=1)
        end = index + 1
        while end < len(strings) and strings[end] == rest:
            end += 1
        yield strings[index], end - index
        index = end


def _write_string(string: BlockString, repeats: int, frame: Frame, path: str) -> str:
    text = f"{string.kind}_r{repeats}"
    if string.kind == "uir":
        text += f"_a{string.start_kernel}"
    text += f"_k{string.kernel}"
    if string.end_kernel:
        text += f"_p{string.end_kernel}"
    text += f"_s{string.stride}"
    if string.kind != "cn":
        text += f"_e{number(string.expansion)}"
    text += f"_c{string.out_channels}"
    if string.expand_from:
        text += f"_fc{string.expand_from}"
    if string.group_size is not None:
        text += f"_gs{string.group_size}"
    if string.squeeze_excite is not None:
        text += f"_se{number(string.squeeze_excite.ratio)}"
    if string.activation != frame.act:
        if string.activation not in _SUFFIX_OF:
            raise InputError.of(path, f"an activation among {', '.join(_SUFFIX_OF)}", string.activation)
        text += f"_{_SUFFIX_OF[string.activation]}"
    return text + _SKIP[string.skip]


def _unsayable(where: str, wanted: str, architecture: Architecture) -> InputError:
    return InputError.of(f"block strings: {where}", wanted, architecture.label)
