"""The keys of a job's spec: the options of its command, as click declares them, with underscores.

What names a file, a database, an address or a program is no key: a client says what to do, the service where. An option of
text is one only if it stands in ``TEXTS``, so that a new option of a command which takes a path is refused until somebody
has looked at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from nascale.quantities import Quantity
from space.errors import InputError, UnknownNameError

TEXTS = frozenset(
    {
        *("space", "sampler", "evaluator", "prior", "objective", "cost", "target", "latency_mode", "pruner"),
        *(
            "repeats",
            "stock",
            "rungs",
            "study",
            "optimizer",
            "class_weights",
            "precision",
            "device",
            "recipe",
        ),
        *(
            "auto_augment",
            "keep",
            "method",
            "seeds",
            "rounding",
            "cooldowns",
            "samplers",
            "evaluations",
            "proxies",
            "to",
            "license",
        ),
    }
)
"""Options of text that name nothing outside the project."""
NAMED = frozenset({"data", "table"})
"""Options whose value is a name that the service's own list leads to a place."""
REFUSED = frozenset(
    {
        *("storage", "output", "out", "plot", "tensorboard", "scores", "recover", "learn_from", "init"),
        *("teacher", "teacher_weights", "ray_address", "format", "quiet", "json_lines", "dry_run"),
    }
)
"""Options that the service decides, or that name a place."""
_LONGEST = 2000


def key_of(option: click.Parameter) -> str:
    """The key of an option: ``--max-macs`` → ``max_macs``."""
    return option.opts[-1].lstrip("-").replace("-", "_")


def options_of(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by key."""
    return {key_of(option): option for option in command.params if isinstance(option, click.Option)}


def keys_of(command: click.Command) -> dict[str, click.Option]:
    """The options of a command that a spec may set, by key."""
    return {
        key: option
        for key, option in options_of(command).items()
        if key not in REFUSED and (key in TEXTS or key in NAMED or not _is_text(option))
    }


def _is_text(option: click.Option) -> bool:
    plain = click.types.BoolParamType | click.types.IntParamType | click.types.FloatParamType
    return not isinstance(option.type, plain | click.IntRange | click.FloatRange | click.Choice | Quantity)


def checked(command: click.Command, spec: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    """The keys of ``spec`` that are options, but for those that are null; ``own`` are the keys that the kind adds.

    Raises UnknownNameError for a key that is not there or is refused, InputError for a value of the wrong kind.
    """
    known = keys_of(command)
    found = {}
    for key, value in spec.items():
        if key in own:
            continue
        if key not in known:
            raise UnknownNameError("spec", key, [*known, *own])
        if value is not None:
            found[key] = _checked(key, known[key], value)
    return found


def _checked(key: str, option: click.Option, value: Any) -> Any:
    kind = option.type
    types: tuple[type, ...] = (str, int, float)
    words = "text or a number"
    if isinstance(kind, click.types.BoolParamType):
        types, words = (bool,), "true or false"
    elif isinstance(kind, (click.types.IntParamType, click.IntRange)):
        types, words = (int,), "a whole number"
    elif isinstance(kind, (click.types.FloatParamType, click.FloatRange)):
        types, words = (int, float), "a number"
    elif key == "space" and isinstance(value, dict):
        return value  # a space that is written down
    if not isinstance(value, types) or (isinstance(value, bool) and types != (bool,)):
        raise InputError.of(f"spec.{key}", words, value)
    check_text(f"spec.{key}", str(value))
    try:
        option.type.convert(str(value), option, None)
    except click.BadParameter as error:
        raise InputError.of(f"spec.{key}", error.message.rstrip("."), value) from None
    return value


def check_text(name: str, text: str, longest: int = _LONGEST) -> None:
    """Raises InputError for a text that no command line can hold."""
    try:
        usable = len(text.encode()) <= longest and "\0" not in text
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise InputError.of(name, f"text of at most {longest} bytes in UTF-8", text)


def arguments(command: click.Command, options: Mapping[str, Any]) -> list[str]:
    """The options as a command line has them."""
    known = options_of(command)
    found = []
    for key, value in options.items():
        option = known[key]
        if isinstance(option.type, click.types.BoolParamType):
            names = option.opts if value else option.secondary_opts
            found += names[:1]
        else:
            found.append(f"{option.opts[-1]}={value}")
    return found


def converted(command: click.Command, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the command's function would get them, by their own names; what is not given is left out."""
    known = options_of(command)
    return {
        str(known[key].name): value
        if isinstance(value, bool)
        else known[key].type.convert(value if isinstance(value, str) else str(value), known[key], None)
        for key, value in options.items()
    }
