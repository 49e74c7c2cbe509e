"""Whether a training has room, asked before it starts: a folder that can be written, disk for checkpoints, memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import torch

from evaluators.device import free_bytes
from evaluators.full_recipe import FullRecipe
from evaluators.trained.run_folder import LAST
from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError

_OURS = frozenset({LAST})


def check_folder(folder: Path) -> None:
    """Raises InputError (``--out``) unless a new run can be written to ``folder``: it is empty or not there yet.

    A probe file is written and removed beside it, or in it where it exists.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError.of("--out", "a folder", f"the file {folder}")
    if folder.is_dir():
        # A training that was killed before it wrote run.json leaves its empty folder for checkpoints behind.
        found = sorted({entry.name for entry in folder.iterdir() if not entry.name.startswith(".")} - _OURS)
        if found:
            raise InputError.of(
                "--out", "a new or empty folder, or a run to go on with", f"{folder} with {found[0]}"
            )
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Raises InputError (``--out``) where nothing can be written to ``folder``, or where it cannot be made."""
    there = _existing(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".nascale.") as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise InputError.of("--out", "a folder that can be written", f"{folder} ({error.strerror})") from None


def check_disk(folder: Path, architecture: Architecture, recipe: FullRecipe) -> None:
    """Raises InputError (``--out``) where the disk has no room for the run's files.

    Those are the checkpoint (weights, their average, the optimiser's state) and the kept weights, each twice, since a
    new file is whole before the old one goes.
    """
    found = costs(architecture, batch=1)
    weights = found.weight_bytes + 4 * found.auxiliary_params
    copies = 1 + bool(recipe.ema) + (2 if recipe.optimizer == "adamw" else 1)
    wanted = 2 * (copies + 1) * weights + 2**20
    free = shutil.disk_usage(_existing(folder)).free
    if free < wanted:
        text = f"{wanted / 2**20:,.0f} MiB of free disk for checkpoints"
        raise InputError.of("--out", text, f"{folder} with {free / 2**20:,.0f} MiB")


def check_memory(
    architecture: Architecture, recipe: FullRecipe, device: torch.device, copies: int = 1
) -> None:
    """Raises InputError (``batch_size``) where a step of all ``copies`` is estimated at more memory than is free."""
    optimizer = "adam" if recipe.optimizer == "adamw" else "momentum"
    wanted = copies * costs(architecture, batch=recipe.batch_size, optimizer=optimizer).training_bytes
    free = free_bytes(device)
    if free is not None and wanted > free:
        text = f"a training that fits {free / 2**20:,.0f} MiB of free memory"
        came = f"{copies * recipe.batch_size} images, which need about {wanted / 2**20:,.0f} MiB"
        raise InputError.of("batch_size", text, came)


def _existing(folder: Path) -> Path:
    """``folder``, or the nearest folder above it that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())
