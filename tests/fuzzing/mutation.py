"""Small damage to valid input: one value replaced by an odd one, some letters or bytes changed."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

TEXTS = (
    *(
        "",
        " ",
        "x",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "-1",
        "0",
        "1e9",
        "1000000000",
        "5M",
        "9" * 400,
        "NONE",
        "a/b",
    ),
    *(
        "a" * 5000,
        "\x1b[31mred\x1b[0m",
        "‮abc",
        "é☃",
        "../../etc/passwd",
        "/dev/zero",
        "/",
        ".",
        "=1+1",
        "'; --",
    ),
    *(
        "{}",
        "[]",
        "{",
        "%s%n",
        "$(touch fuzz-was-here)",
        "`touch fuzz-was-here`",
        "a\x00b",
        "\\",
        "true",
        "1,2,3",
    ),
    *("0" * 20_000, "mbconv", "digits", "train", "1e-320", "½", "١", "x@y=1", "|", "😀" * 100, "\ud800"),
)
NUMBERS = (
    *(0, -1, 1, 2, 3, 7, 255, 2**31, 2**63 - 1, 2**63, 10**9, 10**12, 10**30, -(10**30), 10**400),
    *(0.0, -0.0, 0.5, 1.5, -0.5, 1e-320, 1e30, 1e308, -1e308, float("inf"), float("-inf"), float("nan")),
)
OTHERS: tuple[Any, ...] = (True, False, None, [], {}, [[]], [[[]]], {"a": 1}, [1, "a"], [None], [0] * 3000)
_LETTERS = "\x00\x1b\n\t \"'`=@,;:|~+-*/\\()[]{}<>.0123456789eExnaNKMG_%$#&é½\u202e"


def odd(rng: random.Random) -> Any:
    """A value of any kind that hardly anything takes."""
    pool: tuple[Any, ...] = rng.choice((TEXTS, NUMBERS, NUMBERS, OTHERS))
    value = deepcopy(rng.choice(pool))  # what is changed later is not the pool's
    return [value] * rng.choice((1, 2, 3)) if rng.random() < 0.15 else value


def changed_value(value: Any, rng: random.Random) -> Any:
    """A JSON value with one place in it replaced, dropped, doubled or wrapped."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        copy, key = dict(value), rng.choice(list(value))
        act = rng.random()
        if act < 0.08:
            del copy[key]
        elif act < 0.14:
            copy[rng.choice((*map(str, value), *TEXTS))] = odd(rng)
        else:
            copy[key] = changed_value(value[key], rng)
        return copy
    if isinstance(value, list) and value and rng.random() < 0.85:
        list_, place = list(value), rng.randrange(len(value))
        act = rng.random()
        if act < 0.08:
            del list_[place]
        elif act < 0.16:
            list_ *= rng.choice((0, 2, 50))
        elif act < 0.2:
            list_.insert(place, odd(rng))
        else:
            list_[place] = changed_value(list_[place], rng)
        return list_
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and abs(value) < 1e300 and rng.random() < 0.4:
        return rng.choice(
            (value * 1000, -value, value + 1, float(value), value / 2, str(value), value * 10**9)
        )
    if isinstance(value, str) and value and rng.random() < 0.4:
        return changed_text(value, rng)
    return odd(rng)


def changed_text(text: str, rng: random.Random, most: int = 4) -> str:
    """``text`` with a few letters or stretches dropped, doubled, swapped or put in."""
    for _ in range(rng.randint(1, most)):
        place = rng.randrange(len(text) + 1)
        end = min(len(text), place + rng.choice((1, 1, 2, 5, 20)))
        act = rng.randrange(6)
        if act == 0:
            text = text[:place] + text[end:]
        elif act == 1:
            text = text[:place] + text[place:end] * rng.choice((2, 3, 300)) + text[end:]
        elif act == 2:
            text = text[:place] + rng.choice(_LETTERS) * rng.choice((1, 1, 1, 50)) + text[place:]
        elif act == 3:
            text = text[:place] + rng.choice(_LETTERS) + text[end:]
        elif act == 4:
            text = text[:place] + rng.choice(TEXTS) + text[end:]
        else:
            text = text[:place] + str(rng.choice(NUMBERS)) + text[end:]
    return text


def changed_bytes(data: bytes, rng: random.Random, head: int = 400) -> bytes:
    """``data`` with some bytes changed, mostly among the first ``head``; cut short, or longer than it says."""
    found = bytearray(data)
    act = rng.random()
    if act < 0.12:
        return bytes(found[: rng.randrange(len(found) + 1)])
    if act < 0.17:
        return bytes(found) + rng.randbytes(rng.choice((1, 100, 5000)))
    if act < 0.2:
        return rng.randbytes(rng.choice((0, 1, 10, 1000)))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(min(head, len(found)) if rng.random() < 0.7 else len(found))
        width = rng.choice((1, 1, 2, 4, 8))
        new = rng.choice(
            (b"\x00" * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), rng.randbytes(width))
        )
        found[place : place + width] = new
    return bytes(found)


def toml(value: Any) -> str:
    """A document as TOML, values that TOML lacks included as well as they can be written."""
    lines = [f"{_key(k)} = {_toml(v)}" for k, v in value.items() if not (isinstance(v, dict) and v)]
    for name, table in value.items():
        if isinstance(table, dict) and table:
            lines.append(f"[{_key(name)}]")
            lines += [f"{_key(k)} = {_toml(v)}" for k, v in table.items()]
    return "\n".join(lines) + "\n"


def _key(name: object) -> str:
    text = str(name)
    plain = text and all(c.isascii() and (c.isalnum() or c in "_-") for c in text)
    return text if plain else _toml(text)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if value is None:
        return '"None"'
    return str(value)
