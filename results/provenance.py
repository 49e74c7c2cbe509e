"""Where a study came from, told: the command that repeats it, and the facts that its search stored."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any


def repeat_command(name: str, spec: Mapping[str, Any], *, again: bool = True) -> str:
    """The shell line that runs the search of ``spec``; ``again`` names a new study, so that both can be compared."""
    words = ["nascale", "search"]
    for key, value in spec.items():
        if key in ("study", "storage") or value is None or value is False or value == [] or value == {}:
            continue
        flag = f"--{key.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            words += [flag, ",".join(map(str, value))]
        elif isinstance(value, Mapping):
            words += [flag, ",".join(f"{k}={v}" for k, v in value.items())]
        else:
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, "--study", f"{name}-again" if again else name])


def facts(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, value) of a stored provenance, in the order in which a person asks."""
    keys = ("created", "nascale", "git_commit", "device", "data_checksum", "command")
    rows = [(key.replace("_", " "), str(provenance[key])) for key in keys if provenance.get(key)]
    packages = provenance.get("packages") or {}
    if packages:
        rows.append(("packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    return rows
