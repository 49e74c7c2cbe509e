"""What lies in ``export/``: a whole, certified export at every moment, which another takes the place of in one step."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.export.certificate import Certificate
    from evaluators.export.format import Format
    from evaluators.images.image_set import ImageSet
    from evaluators.trained.run_folder import TrainedRun

_NEW, _OLD = ".export.new", ".export.old"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def publish(
    run: TrainedRun,
    chosen: Sequence[Format],
    folder: Path,
    storage: str,
    images: ImageSet,
) -> Certificate:
    """Exports the network of ``run``, whose ``images`` are opened already, and puts it in the place of ``folder/export``; returns its certificate.

    Raises what an export raises; the earlier export then stays.
    """
    from evaluators.export.exporting import export
    from evaluators.trained.run_folder import EXPORT
    from nascale.network_story import story_of

    new = folder / _NEW
    recover(folder)
    certificate = export(run, chosen, out=new, story=story_of(run, storage, None), images=images)
    exchange(new, folder / EXPORT)
    return certificate


def recover(folder: Path) -> None:
    """Removes what a kill during an export has left behind, and puts back what it had moved aside."""
    from evaluators.trained.run_folder import EXPORT

    old = folder / _OLD
    if old.exists() and not (folder / EXPORT).exists():
        old.rename(folder / EXPORT)
    for left in (old, *folder.glob(f"{_NEW}*"), *folder.glob(f".{_NEW}*")):
        shutil.rmtree(left, ignore_errors=True)


def exchange(new: Path, place: Path) -> None:
    """Puts the folder ``new`` in the place of ``place``, whose earlier content is removed.

    On Linux both change places in one step. Elsewhere the old one is moved aside first, and ``recover`` finds it there.
    """
    if not place.exists():
        new.rename(place)
        return
    if _exchanged(new, place):
        shutil.rmtree(new)
        return
    old = place.with_name(_OLD)
    place.rename(old)
    new.rename(place)
    shutil.rmtree(old)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system could exchange the two in one step (renameat2, Linux 3.15)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)
