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
from space.notation.frame import SUFFIXES, Frame

KINDS = ("ds", "dsa", "ir", "er", "cn")
_BLOCK_OF = {kind: block for block in BLOCKS.values() for kind in block.string_kinds}
_FIELD = re.compile(r"([a-z]+)([0-9]+(?:\.[0-9]+)*(?:e-[0-9]+)?)")
_REQUIRED = {"ds": "rksc", "dsa": "rksc", "ir": "rksec", "er": "rksec", "cn": "rksc"}


def read(text: str | Sequence[Sequence[str]], *, name: str = "") -> Architecture:
    """The network that block strings describe: one text, or timm's list of lists of strings.

    Raises InputError naming the string and the field that cannot be used.
    """
    strings, settings = _split(text)
    frame = _read_frame(settings)
    if not frame.hidden_divisor:
        fractions = any(re.search(r"_e[0-9]+\.[0-9]*[1-9]", s) for stage in strings for s in stage)
        frame = replace(frame, hidden_divisor=8 if fractions else 1)
    head: list[Block] = [Conv(frame.head, 1, activation=frame.act)] if frame.head else []
    head.append(GlobalPool())
    if frame.features:
        head.append(Dense(frame.features, frame.act))
    if frame.dropout:
        head.append(Drop(frame.dropout))
    return Architecture(
        stem=(Conv(frame.stem, 3, frame.stem_stride, activation=frame.act),),
        stages=tuple(Stage(tuple(b for s in stage for b in _read_string(s, frame))) for stage in strings),
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
    if isinstance(text, str):
        body, _, settings = text.strip().partition("@")
        if body.lstrip().startswith("["):
            try:
                stages = ast.literal_eval(body)
            except (ValueError, SyntaxError):
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


def _read_string(text: str, frame: Frame) -> tuple[Block, ...]:
    """The blocks of one string: the first with its stride, the repeats without."""
    kind, *options = text.split("_")
    if kind not in KINDS:
        raise UnknownNameError(f"block {text!r}: kind", kind, KINDS)
    numbers: dict[str, float] = {}
    activation, skip = frame.act, None
    for option in options:
        match = _FIELD.fullmatch(option)
        if option in SUFFIXES:
            activation = SUFFIXES[option]
        elif option in ("skip", "noskip"):
            skip = option == "skip"
        elif match is None or match[1] not in ("r", "k", "s", "e", "c", "se", "a", "p"):
            raise InputError.of(
                f"block {text!r}", "r, k, s, e, c, se, nre, nr6, nhs, nsw, skip or noskip", option
            )
        else:
            numbers[match[1]] = _parse_number(match[2], option, text)
    for key in _REQUIRED[kind]:
        if key not in numbers:
            raise InputError.of(f"block {text!r}", f"the fields {', '.join(_REQUIRED[kind])}", text)
    if numbers.pop("a", 1) != 1 or numbers.pop("p", 1) != 1:
        raise InputError.of(f"block {text!r}", "1x1 expansion and projection (a1, p1)", text)
    try:
        repeats = _whole(numbers["r"], "r")
        first = _block(kind, numbers, activation, skip, frame)
        rest = first.without_stride()
    except InputError as error:
        raise InputError(f"block {text!r}: {error}") from None
    return (first, *(rest,) * (repeats - 1))


def _parse_number(digits: str, option: str, text: str) -> float:
    try:
        value = float(digits)
    except ValueError:
        raise InputError.of(
            f"block {text!r}", "one number for each field (no mixed kernels)", option
        ) from None
    return int(value) if value == int(value) else value


def _whole(value: float, field: str) -> int:
    if not isinstance(value, int) or value < 1:
        wanted = "one whole number (no mixed kernels)" if field == "k" else "a positive whole number"
        raise InputError.of(field, wanted, value)
    return value


def _block(kind: str, numbers: dict[str, float], activation: str, skip: bool | None, frame: Frame) -> Block:
    channels, kernel, stride = (_whole(numbers[f], f) for f in "cks")
    expansion = numbers.get("e", 1)
    if kind in ("ds", "dsa", "cn") and expansion != 1:
        raise InputError.of("e", f"1 for {kind}", expansion)
    squeeze_excite = frame.squeeze_excite(numbers.get("se", 0))
    if kind == "cn" and squeeze_excite is not None:
        raise InputError.of("se", "no squeeze-and-excitation in cn", numbers["se"])
    if kind == "cn" and skip:
        kind = "cn skip"
    return _BLOCK_OF[kind].from_string(
        BlockString(
            kind,
            channels,
            kernel,
            stride,
            expansion,
            squeeze_excite,
            skip,
            activation,
            frame.hidden_divisor,
        )
    )
