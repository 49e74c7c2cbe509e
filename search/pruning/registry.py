"""The pruning rules by name. A module of this package that holds ``PRUNER`` is found by itself."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from search import pruning as package
from search.pruning.protocol import PrunerInfo, Rule
from space.errors import UnknownNameError

if TYPE_CHECKING:
    from evaluators.evaluator import FidelitySchedule


@cache
def pruners() -> dict[str, PrunerInfo]:
    """Every pruning rule by name, in alphabetical order."""
    modules = (import_module(f"{package.__name__}.{m.name}") for m in iter_modules(package.__path__))
    found: list[PrunerInfo] = [vars(module)["PRUNER"] for module in modules if "PRUNER" in vars(module)]
    return {info.name: info for info in sorted(found, key=lambda info: info.name)}


def make_rule(name: str, schedule: FidelitySchedule) -> Rule | None:
    """The rule called ``name`` for trials of ``schedule``; None for "none". Raises UnknownNameError."""
    if name not in pruners():
        raise UnknownNameError("pruner", name, pruners())
    return pruners()[name].make(schedule)
