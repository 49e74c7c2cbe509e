"""nascale: convolutional networks that fit your images and your budget.

import nascale
study = nascale.search(space="mbconv", data="digits", trials=40, max_macs="5M")
front = nascale.front(study)               # a pandas DataFrame
nascale.profile("efficientnet_b0")         # costs
nascale.scale("efficientnet_b0", phi=1)    # an Architecture
"""

# ruff: noqa: E402 - the rooms are held before anything of theirs is imported

from __future__ import annotations

from nascale import rooms as _rooms

__version__ = "0.1.0"

_rooms.hold()

from nascale.api import Study, architecture, front, profile, scale, search, trials
from space.errors import InputError, NascaleError, RunError

__all__ = [
    "InputError",
    "NascaleError",
    "RunError",
    "Study",
    "architecture",
    "front",
    "profile",
    "scale",
    "search",
    "trials",
]
