"""A registry is a package: each of its modules holds one or more entries, and a new module is a new entry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def entries(package: ModuleType, kind: type[T], name: Callable[[T], str]) -> dict[str, T]:
    """The values of type ``kind`` at the top level of the package's modules, by ``name``; modules in alphabetical order."""
    found: dict[str, T] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, kind):
                known = found.setdefault(name(value), value)
                assert known is value, f"{package.__name__} has two entries called {name(value)}"
    return found
