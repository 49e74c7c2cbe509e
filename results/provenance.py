"""Where a study came from: gathered when a search starts, and told as the command that repeats it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "ray", "optuna", "numpy", "pandas", "moocore", "scikit-learn")


def gather(command: Sequence[str], *, device: str = "", data_checksum: str = "") -> dict[str, Any]:
    """What decides a search's outcome beside its spec, as a plain dict for the study.

    Keys: ``nascale`` (version), ``packages`` (name → version), ``python``, ``git_commit`` (of the code that
    runs, with ``+changes`` where its working tree differs; None outside a checkout), ``platform``, ``device``,
    ``data_checksum``, ``command`` (one shell line), ``created`` (UTC).
    """
    return {
        "nascale": _version("nascale"),
        "packages": {name: v for name in PACKAGES if (v := _version(name)) is not None},
        "python": platform.python_version(),
        "git_commit": _commit(Path(__file__).resolve().parent.parent),
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "device": device,
        "data_checksum": data_checksum,
        "command": shlex.join(command),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit(root: Path) -> str | None:
    """The commit of the checkout that ``root`` is, if it is one."""
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return f"{commit}+changes" if git("status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


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
    keys = ("created", "nascale", "git_commit", "python", "platform", "device", "data_checksum", "command")
    rows = [(key.replace("_", " "), str(provenance[key])) for key in keys if provenance.get(key)]
    packages = provenance.get("packages") or {}
    if packages:
        rows.append(("packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    return rows
