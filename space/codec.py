"""Architecture ↔ versioned JSON.

A block is written as ``["MBConv", {field: value}]`` with only the fields that differ from their
defaults, and a run of equal blocks as ``[count, block]``, so that an architecture fits in a line. The
``format`` number says how to read it; another number, such as that of a newer nascale, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from itertools import groupby
from typing import Any

from space.architecture import Architecture, Stage
from space.blocks import BLOCKS, Block
from space.errors import InputError, UnknownNameError
from space.limits import MOST_BLOCKS

FORMAT = 1


def to_dict(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain lists, strings and numbers."""
    return {
        "format": FORMAT,
        "name": architecture.name,
        "resolution": architecture.resolution,
        "classes": architecture.classes,
        "in_channels": architecture.in_channels,
        "stem": _write_chain(architecture.stem),
        "stages": [_write_chain(stage.blocks) for stage in architecture.stages],
        "head": _write_chain(architecture.head),
    }


def to_json(architecture: Architecture) -> str:
    """The architecture as one line of JSON."""
    return json.dumps(to_dict(architecture), separators=(",", ":"))


def from_json(text: str | bytes, source: str = "architecture") -> Architecture:
    """The architecture that ``to_json`` wrote, also as the ``architecture`` of a row (``nascale scale family``).

    Raises InputError, naming ``source``, for anything else.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: wanted the JSON of an architecture, got broken JSON ({error})") from None
    if isinstance(data, Mapping) and "stages" not in data and "architecture" in data:
        data = data["architecture"]
    return from_dict(data, source)


def from_dict(data: Any, source: str = "architecture") -> Architecture:
    """The architecture that ``to_dict`` wrote. Raises InputError, naming ``source``, for anything else."""
    if not isinstance(data, Mapping):
        raise InputError.of(source, "an object with stem, stages and head", data)
    version = data.get("format")
    if version != FORMAT:
        raise InputError.of(f"{source}: format", f"{FORMAT}, the format this version reads", version)
    expected = {"format", "name", "resolution", "classes", "in_channels", "stem", "stages", "head"}
    for key in data:
        if key not in expected:
            raise UnknownNameError(f"{source}: key", key, expected)
    missing = sorted(expected - {"name"} - set(data))
    if missing:
        raise InputError(f"{source}: wanted the key {missing[0]!r}, which is missing")
    if not isinstance(data["stages"], Sequence) or isinstance(data["stages"], str):
        raise InputError.of(f"{source}: stages", "a list of lists of blocks", data["stages"])
    name = str(data.get("name", ""))
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise InputError.of(f"{source}: name", "text that can be written as UTF-8", name)
    try:
        return Architecture(
            stem=_read_chain(data["stem"], f"{source}: stem"),
            stages=tuple(
                Stage(_read_chain(chain, f"{source}: stages[{i}]")) for i, chain in enumerate(data["stages"])
            ),
            head=_read_chain(data["head"], f"{source}: head"),
            resolution=data["resolution"],
            classes=data["classes"],
            in_channels=data["in_channels"],
            name=name,
        )
    except InputError as error:
        if str(error).startswith(source):
            raise
        raise InputError(f"{source}: {error}") from None


def _write_chain(blocks: tuple[Block, ...]) -> list[Any]:
    chain: list[Any] = []
    for block, group in groupby(blocks):
        count = len(list(group))
        chain.append(_write(block) if count == 1 else [count, _write(block)])
    return chain


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _write(block: Block) -> list[Any]:
    changed = {
        f.name: _write_value(getattr(block, f.name))
        for f in fields(block)
        if getattr(block, f.name) != _default(f)
    }
    return [type(block).__name__, changed]


def _write_value(value: Any) -> Any:
    if isinstance(value, Block):
        return _write(value)
    if isinstance(value, tuple):
        return [_write_value(v) for v in value]
    return value


def _read_chain(data: Any, where: str) -> tuple[Block, ...]:
    if not isinstance(data, list):
        raise InputError.of(where, "a list of blocks", data)
    blocks: list[Block] = []
    for index, item in enumerate(data):
        place = f"{where}[{index}]"
        if len(blocks) > MOST_BLOCKS:
            raise InputError(f"{place}: wanted at most {MOST_BLOCKS} blocks, got more")
        if isinstance(item, list) and len(item) == 2 and type(item[0]) is int:
            if not 1 <= item[0] <= 10_000:
                raise InputError.of(place, "a count from 1 to 10000", item[0])
            blocks += [_read(item[1], place)] * item[0]
        else:
            blocks.append(_read(item, place))
    return tuple(blocks)


def _read(data: Any, where: str) -> Block:
    if not (isinstance(data, list) and len(data) == 2 and isinstance(data[1], Mapping)):
        raise InputError.of(where, 'a block such as ["MBConv", {"out_channels": 16}]', data)
    name, given = data
    if not isinstance(name, str) or name not in BLOCKS:
        raise UnknownNameError(f"{where}: block", name, BLOCKS)
    known = {f.name: f for f in fields(BLOCKS[name])}
    for key in given:
        if key not in known:
            raise UnknownNameError(f"{where}: field of {name}", key, known)
    for key, field in known.items():
        if key not in given and _default(field) is MISSING:
            raise InputError(f"{where}: {name} wants the field {key!r}, which is missing")
    try:
        return BLOCKS[name](**{k: _read_value(v, f"{where}.{k}") for k, v in given.items()})
    except (TypeError, AttributeError) as error:
        raise InputError(f"{where}: {name} has a field of the wrong type ({error})") from None
    except InputError as error:
        if str(error).startswith(where):
            raise
        raise InputError(f"{where}: {error}") from None


def _read_value(value: Any, where: str) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) == 2 and isinstance(value[0], str):
        return _read(value, where)
    return tuple(_read_value(v, where) for v in value)
