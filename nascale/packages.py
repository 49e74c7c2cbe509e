"""Makes sure that the names of nascale's packages mean its packages, wherever Python is started.

The packages are called ``space``, ``evaluators``, ``results``, ``search`` and ``service``. A folder ``results`` or a file
``search.py`` may lie beside a notebook, and Python looks there first. A finder in front of all others answers for
exactly these names with the packages that stand beside this one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

PACKAGES = ("space", "evaluators", "results", "search", "service")
_ROOT = Path(__file__).resolve().parent.parent


class _PackageFinder:
    """A meta path finder for ``PACKAGES`` and for nothing else."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in PACKAGES:
            return None
        folder = _ROOT / name
        return spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])


def install_finder() -> None:
    """Installs the finder once. Raises ImportError where a name is already taken by something else."""
    for name in PACKAGES:
        module = sys.modules.get(name)
        if module is None:
            continue
        places = [Path(p).resolve() for p in getattr(module, "__path__", [])]
        if _ROOT / name in places:
            continue
        file = getattr(module, "__file__", None)
        if file is not None:
            raise ImportError(
                f"nascale needs the module name {name!r}, which {file} has taken: import nascale first, or rename that file"
            )
        # A namespace package made out of a plain folder: nothing was executed, so it can give way.
        del sys.modules[name]
    if not any(isinstance(finder, type) and finder.__name__ == "_PackageFinder" for finder in sys.meta_path):
        sys.meta_path.insert(0, _PackageFinder)
