"""What the results of a search depend on beside its spec: versions, commit, machine, data and command."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nascale.version import VERSION
from results.storage_url import redacted
from space.search_space import SearchSpace

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.images.image_set import ImageSet

_PACKAGES = ("optuna", "torch", "ray", "numpy", "scikit-learn")


def provenance(evaluator: Evaluator) -> dict[str, Any]:
    """What a study keeps beside its spec: versions, commit, machine, data, command and how ``evaluator`` measures."""
    told = evaluator.describe()
    data = told.get("data")
    checksum = data.get("checksum") if isinstance(data, Mapping) else told.get("checksum")
    return {**origin(evaluator.images), "data_checksum": checksum, "evaluator": told}


def origin(images: ImageSet | None) -> dict[str, Any]:
    """Where a result comes from: versions, commit, machine, command, time, and what its images hold."""
    from evaluators.images.summary import DataSummary

    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    kept = {} if images is None else {"data": DataSummary.of(images).kept() | {"own_side": images.own_side}}
    return {
        "nascale": VERSION,
        "packages": packages,
        "git_commit": _commit(),
        "device": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        **kept,
        "command": shlex.join(map(redacted, sys.argv)),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str | None:
    """The commit of the checkout that holds this package, marked if files differ from it; None for an installed one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def described(space: SearchSpace, resolution: int | None, images: ImageSet | None) -> dict[str, Any]:
    """The space and what its networks see, as a study keeps it; ``images`` are None where a table is asked."""
    return {
        "name": space.name,
        "resolution": resolution or (images.resolution if images is not None else None),
        "in_channels": images.channels if images is not None else None,
        "classes": len(images.classes) if images is not None else None,
        "decisions": [[d.name, list(d.options)] for d in space.decisions],
    }
