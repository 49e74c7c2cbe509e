"""The command that repeats a stored search, from the spec that its study keeps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from nascale.options import option_of
from nascale.scaling_spec import DERIVED, ScalingSpec
from nascale.spec import SearchSpec
from space.architecture import Architecture
from space.codec import from_json, to_json
from space.errors import InputError
from space.setting import declared
from space.zoo import architecture


def repeat_command(study: str, spec: Mapping[str, Any]) -> str:
    """The shell line that runs the search of a stored ``spec`` again, exactly, as study ``study``-again.

    A second study lets both be compared. Where it is kept is left to ``--storage`` and ``NASCALE_STORAGE``.
    """
    if "base" in spec:
        words = ["nascale", "scale", "search", arch_text(from_json(spec["base"]))]
        options = _options(ScalingSpec, spec, DERIVED)
    else:
        words = ["nascale", "search"]
        options = _options(SearchSpec, {"repeats": 0, **spec})  # a search of an earlier version had none
    return shlex.join([*words, *options, "--study", f"{study}-again"])


def _options(kind: type, spec: Mapping[str, Any], without: frozenset[str] = frozenset()) -> list[str]:
    """The options that give ``kind`` the stored values; every value is written, as defaults may change."""
    words: list[str] = []
    for name, item in declared(kind).items():
        value = spec.get(name)
        if value is None or name in without or name in ("study", "storage"):
            continue
        if item.metadata["kind"] == "flag":
            if value != item.default:
                words.append(option_of(item) if value else option_of(item).replace("--", "--no-", 1))
        else:
            words += [option_of(item), str(value)]  # str of a float is exact
    return words


def arch_text(network: Architecture) -> str:
    """What names ``network`` on a command line: its name in the zoo if that means the same network, else its JSON."""
    try:
        known = architecture(network.name)
    except InputError:
        return to_json(network)
    fitted = known.replace(
        resolution=network.resolution, classes=network.classes, in_channels=network.in_channels
    )
    return network.name if fitted == network else to_json(network)
