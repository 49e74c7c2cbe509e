"""Block strings → Architecture."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from space.architecture import Architecture, Stage
from space.blocks import BLOCKS, Block, BlockString, Conv, Dense, Drop, GlobalPool
from space.errors import InputError, UnknownNameError
from space.limits import LARGEST_NUMBER
from space.notation.frame import SUFFIXES, Frame

KINDS = ("ds", "dsa", "ir", "er", "cn", "uir")
_BLOCK_OF = {kind: block for block in BLOCKS.values() for kind in block.string_kinds}
_FIELD = re.compile(r"([a-z]+)([0-9]+(?:\.[0-9]+)*(?:e-[0-9]+)?)")
_REQUIRED = {"ds": "rksc", "dsa": "rksc", "ir": "rksec", "er": "rksec", "cn": "rksc", "uir": "rksec"}
_FIELDS = ("r", "k", "s", "e", "c", "se", "a", "p", "gs", "fc")
# What timm reads and there is no block for.
_OTHER_KINDS = {"mqa": "multi-query attention", "mha": "multi-head attention"}
_OTHER_FIELDS = {"cc": "conditional convolution", "d": "space to depth"}
_OTHER_ACTIVATIONS = {"nmi": "mish"}
_MOST_REPEATS = 1000
_LONGEST = 200_000


def read(text: str | Sequence[Sequence[str]], *, name: str = "") -> Architecture:
    """The network that block strings describe: one text, or timm's list of lists of strings.

    Raises InputError naming the string and the field that cannot be used.
    """
    strings, settings = _split(text)
    frame = _read_frame(settings)
    if not frame.hidden_divisor:
        fractions = any(re.search(r"_e[0-9]+\.[0-9]*[1-9]", s) for stage in strings for s in stage)
        frame = replace(frame, hidden_divisor=8 if fractions else 1)
    channels, stages = frame.stem, []
    for stage in strings:
        blocks: list[Block] = []
        for string in stage:
            read_blocks, channels = _read_string(string, frame, channels)
            blocks += read_blocks
        stages.append(Stage(tuple(blocks)))
    head: list[Block] = [Conv(frame.head, 1, activation=frame.act)] if frame.head else []
    head.append(GlobalPool())
    if frame.pooled:
        head.append(Conv(frame.pooled, 1, activation=frame.act))
    if frame.features:
        head.append(Dense(frame.features, frame.act))
    if frame.dropout:
        head.append(Drop(frame.dropout))
    return Architecture(
        stem=(Conv(frame.stem, frame.stem_kernel, frame.stem_stride, activation=frame.act),),
        stages=tuple(stages),
        head=(*head, Dense()),
        resolution=frame.resolution,
        classes=frame.classes,
        in_channels=frame.in_channels,
        name=name,
    )


def _split(text: str | Sequence[Sequence[str]]) -> tuple[list[list[str]], str]:
    """(strings of each stage, settings)."""
    settings = ""
    stages: Any = text
    if isinstance(text, str) and len(text) > _LONGEST:
        raise InputError.of("blocks", f"a text of at most {_LONGEST} letters", f"{len(text)} letters")
    if isinstance(text, str):
        body, _, settings = text.strip().partition("@")
        if body.lstrip().startswith("["):
            try:
                stages = ast.literal_eval(body)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                raise InputError.of("blocks", "a list of lists of block strings", body) from None
        else:
            stages = [stage.split("+") for stage in body.split(",")]
    whole = isinstance(stages, Sequence) and bool(stages)
    if not whole or not all(
        isinstance(stage, Sequence) and not isinstance(stage, str) and stage and all(map(_is_text, stage))
        for stage in stages
    ):
        raise InputError.of("blocks", "block strings such as ds_r1_k3_s1_e1_c16,ir_r2_k3_s2_e6_c24", text)
    return [[string.strip() for string in stage] for stage in stages], settings


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _read_frame(settings: str) -> Frame:
    kinds: dict[str, type] = {f.name: type(getattr(Frame(), f.name)) for f in fields(Frame)}
    values: dict[str, Any] = {}
    for item in filter(None, settings.split(",")):
        key, equals, value = item.strip().partition("=")
        if not equals:
            raise InputError.of("blocks @", "settings such as act=relu6,head=1280", settings)
        if key not in kinds:
            raise UnknownNameError("blocks @", key, kinds)
        try:
            values[key] = kinds[key](value)
        except ValueError:
            raise InputError.of(f"blocks @{key}", "a number", value) from None
    return Frame(**values)


def _read_string(text: str, frame: Frame, in_channels: int) -> tuple[list[Block], int]:
    """(the blocks of one string, the channels that they put out), where ``in_channels`` come in.

    Only the first block has the stride.
    """
    kind, *options = text.split("_")
    if kind in _OTHER_KINDS:
        raise InputError(f"block {text!r}: {_OTHER_KINDS[kind]} ({kind}) is not supported")
    if kind not in KINDS:
        raise InputError.of(f"block {text!r}: kind", f"one of {', '.join(KINDS)}", kind)
    numbers: dict[str, float] = {}
    activation, skip = frame.act, None
    for option in options:
        if option in SUFFIXES:
            activation = SUFFIXES[option]
        elif option in ("skip", "noskip"):
            skip = option == "skip"
        else:
            key, value = _read_option(option, text)
            numbers[key] = value
    for key in _REQUIRED[kind]:
        if key not in numbers:
            raise InputError.of(f"block {text!r}", f"the fields {', '.join(_REQUIRED[kind])}", text)
    try:
        repeats = _whole(numbers["r"], "r")
        if repeats > _MOST_REPEATS:
            raise InputError.of("r", f"at most {_MOST_REPEATS} repeats", repeats)
        string = _block_string(kind, numbers, activation, skip, frame)
        block_type = _BLOCK_OF[string.kind]
        first = block_type.from_string(replace(string, in_channels=in_channels))
        rest = block_type.from_string(replace(string, stride=1, in_channels=string.out_channels))
    except InputError as error:
        raise InputError(f"block {text!r}: {error}") from None
    return [first, *[rest] * (repeats - 1)], string.out_channels


def _read_option(option: str, text: str) -> tuple[str, float]:
    """A field and its number, of a string's part such as ``k3``. Raises InputError for what there is no block for."""
    where = f"block {text!r}"
    if option in _OTHER_ACTIVATIONS:
        raise InputError(f"{where}: the activation {_OTHER_ACTIVATIONS[option]} ({option}) is not supported")
    match = _FIELD.fullmatch(option)
    if match is not None and match[1] in _OTHER_FIELDS:
        if match[2] == "0":
            return match[1], 0
        raise InputError(f"{where}: {_OTHER_FIELDS[match[1]]} ({option}) is not supported")
    if match is None or match[1] not in _FIELDS:
        wanted = f"{', '.join(_FIELDS)}, {', '.join(SUFFIXES)}, skip or noskip"
        raise InputError.of(where, wanted, option)
    if match[1] in "akp" and "." in match[2]:
        raise InputError(f"{where}: mixed kernels ({option}) are not supported")
    try:
        value = float(match[2])
    except ValueError:
        raise InputError.of(where, "one number for each field", option) from None
    if not value <= LARGEST_NUMBER:
        raise InputError.of(where, f"numbers up to {LARGEST_NUMBER}", option)
    return match[1], int(value) if value == int(value) else value


def _whole(value: float, field: str, least: int = 1) -> int:
    if not isinstance(value, int) or value < least:
        wanted = "a positive whole number" if least else "a whole number of 0 or more"
        raise InputError.of(field, wanted, value)
    return value


def _block_string(
    kind: str, numbers: dict[str, float], activation: str, skip: bool | None, frame: Frame
) -> BlockString:
    """The fields checked: each only where the kind has it."""
    universal = kind == "uir"
    expansion = numbers.get("e", 1)
    if kind in ("ds", "dsa", "cn") and expansion != 1:
        raise InputError.of("e", f"1 for {kind}", expansion)
    squeeze_excite = frame.squeeze_excite(numbers.get("se", 0))
    if kind == "cn" and squeeze_excite is not None:
        raise InputError.of("se", "no squeeze-and-excitation in cn", numbers["se"])
    if kind != "er" and numbers.get("fc", 0):
        raise InputError.of("fc", f"no forced input channels in {kind}, only in er", numbers["fc"])
    for field, layer in (("a", "expansion"), ("p", "projection")):
        if not universal and numbers.get(field, 1) != 1:
            raise InputError(
                f"{layer} with a kernel other than 1x1 ({field}{numbers[field]}) is not supported"
            )
    return BlockString(
        "cn skip" if kind == "cn" and skip else kind,
        _whole(numbers["c"], "c"),
        _whole(numbers["k"], "k", least=0 if universal else 1),
        _whole(numbers["s"], "s"),
        expansion,
        squeeze_excite,
        skip,
        activation,
        frame.hidden_divisor,
        start_kernel=_whole(numbers.get("a", 0), "a", least=0) if universal else 0,
        end_kernel=_whole(numbers.get("p", 0), "p", least=0) if universal else 0,
        group_size=_whole(numbers["gs"], "gs", least=0) if "gs" in numbers else None,
        expand_from=_whole(numbers.get("fc", 0), "fc", least=0),
    )
