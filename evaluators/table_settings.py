"""The ``[table]`` section of a TOML file: which columns are decisions, accuracies and costs.

[table]
path = "nas-bench-macro.parquet"     # Parquet, CSV or JSON, relative to the file
space = "nas-bench-macro"            # optional: decisions decode to real architectures
decisions = ["op0", "op1"]           # columns
accuracy = ["seed0", "seed1"]        # one is drawn for each network
truth = "mean"                       # optional: what regret is measured against
unit = "percent"                     # or "fraction"
macs = "macs"                        # also every other cost (space.cost.COST_NAMES), and seconds;
params = { column = "params_m", scale = 1e6 }   # a scale turns other units into ours
key = "canonical"                    # optional: rows with equal values are the same network
lookup = "exact"                     # or "surrogate"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from space.cost import COST_NAMES
from space.errors import InputError, UnknownNameError

_KEYS = ("path", "space", "decisions", "accuracy", "truth", "unit", "lookup", "key", "seconds", *COST_NAMES)
UNITS = {"percent": 0.01, "fraction": 1.0}
"""What an accuracy in each unit is multiplied by to become a fraction."""


@dataclass(frozen=True)
class TableSettings:
    """The ``[table]`` section, checked; ``costs`` maps a cost (and ``seconds``) to (column, scale).

    ``source`` is the path of the TOML file as it was given, ``path`` that of the data.
    """

    source: str
    path: Path
    decisions: tuple[str, ...]
    accuracy: tuple[str, ...]
    truth: str | None = None
    unit: str = "fraction"
    lookup: str = "exact"
    space: str | None = None
    key: str | None = None
    costs: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used."""
        others = [self.truth, self.key, *(column for column, _ in self.costs.values())]
        return tuple(dict.fromkeys([*self.decisions, *self.accuracy, *(o for o in others if o)]))


def read_settings(path: str | os.PathLike[str]) -> TableSettings:
    """The ``[table]`` section of a TOML file. Raises InputError naming the key that is wrong or missing."""
    file = os.fspath(path)
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of("table", "a TOML file that can be read", f"{file} ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of("table", "a TOML file", f"{file} ({error})") from None
    return table_settings(document.get("table"), path)


def table_settings(section: Any, source: str | os.PathLike[str]) -> TableSettings:
    """The settings in ``section``, the ``[table]`` of the TOML file ``source``. Raises as ``read_settings``."""
    file = Path(source)
    if not isinstance(section, Mapping):
        raise InputError.of("table", "a [table] section", str(file))
    for name in section:
        if name not in _KEYS:
            raise UnknownNameError(f"{file}: table key", name, _KEYS)
    for name in ("path", "decisions", "accuracy"):
        if name not in section:
            raise InputError(f"{file}: table.{name}: wanted, got none")
    for name, choices in (("unit", tuple(UNITS)), ("lookup", ("exact", "surrogate"))):
        if section.get(name, choices[0]) not in choices:
            raise InputError.of(f"{file}: table.{name}", " or ".join(choices), section[name])
    return TableSettings(
        source=os.fspath(source),
        path=file.parent / os.path.expanduser(str(section["path"])),
        decisions=_names(file, section, "decisions"),
        accuracy=_names(file, section, "accuracy"),
        truth=section.get("truth"),
        unit=section.get("unit", "fraction"),
        lookup=section.get("lookup", "exact"),
        space=section.get("space"),
        key=section.get("key"),
        costs={
            name: _scaled(file, name, section[name]) for name in (*COST_NAMES, "seconds") if name in section
        },
    )


def _names(file: Path, section: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = section[key]
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not names or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        raise InputError.of(f"{file}: table.{key}", "names of columns, each once", value)
    return names


def _scaled(file: Path, key: str, value: Any) -> tuple[str, float]:
    if isinstance(value, str):
        return value, 1.0
    if isinstance(value, dict) and set(value) <= {"column", "scale"} and isinstance(value.get("column"), str):
        scale = value.get("scale", 1.0)
        if isinstance(scale, (int, float)) and scale > 0:
            return value["column"], float(scale)
    raise InputError.of(f"{file}: table.{key}", "a column, or { column = …, scale = … }", value)
