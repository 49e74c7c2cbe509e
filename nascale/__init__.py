"""nascale: convolutional networks that fit your images and your budget.

import nascale
found = nascale.auto("folder:photos", resolution=64, max_macs="5M", within="1h", out="photos-run")
study = nascale.search(space="mbconv", data="digits", trials=40, max_macs="5M")
front = nascale.front(study)               # a pandas DataFrame
run = nascale.train(f"{study.name}:0", out="run")  # the folder of a training
nascale.profile("efficientnet_b0")         # costs
nascale.scale("efficientnet_b0", phi=1)    # an Architecture
nascale.family("efficientnet_b0", ["0.8G", "1.6G"])  # one for each budget
"""

# ruff: noqa: E402 - the finder has to be there before any package is imported

from __future__ import annotations

from nascale import packages as _packages

_packages.install_finder()

from typing import TYPE_CHECKING, Any

from nascale.api import (
    AutoResult,
    Study,
    architecture,
    auto,
    data,
    family,
    front,
    profile,
    scale,
    search,
    train,
    trials,
)
from nascale.version import VERSION
from space.errors import InputError, NascaleError, RunError

if TYPE_CHECKING:
    from nascale.client import Client

__version__ = VERSION

__all__ = [
    "AutoResult",
    "Client",
    "InputError",
    "NascaleError",
    "RunError",
    "Study",
    "architecture",
    "auto",
    "data",
    "family",
    "front",
    "profile",
    "scale",
    "search",
    "train",
    "trials",
]


def __getattr__(name: str) -> Any:
    """``Client``, which is loaded when it is asked for: most who import the package speak to no service."""
    if name == "Client":
        from nascale.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
