"""Where uploads lie in the folder of the service: each in a folder of its own, whose name is its id."""

from __future__ import annotations

import re
from pathlib import Path

UPLOADS = "uploads"
IMAGES, ARRAYS = "images", "images.npz"
"""An upload is a folder of images, or an npz file."""


def source(place: Path) -> str:
    """The source of the upload that lies in ``place``, as the command line takes it."""
    arrays = place / ARRAYS
    return f"npz:{arrays.resolve()}" if arrays.exists() else f"folder:{(place / IMAGES).resolve()}"


def source_pattern(folder: Path) -> re.Pattern[str]:
    """Matches the source of any upload in the ``folder`` of a service; its group is the id."""
    place = re.escape(str((folder / UPLOADS).resolve()))
    return re.compile(f"(?:npz|folder):{place}/([\\w-]+)/(?:{re.escape(ARRAYS)}|{IMAGES})(?![\\w.-])")
