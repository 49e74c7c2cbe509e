"""The ``[table]`` section of a TOML file: which columns are decisions, accuracies and costs.

[table]
path = "nas-bench-macro.parquet"     # Parquet, CSV or JSON, relative to the file
space = "nas-bench-macro"            # optional: decisions decode to real architectures; or a .toml file that writes
                                     # a space down, beside this one
decisions = ["op0", "op1"]           # columns
accuracy = ["seed0", "seed1"]        # one is drawn for each network, of those that its row holds
truth = "mean"                       # optional: what regret is measured against
unit = "percent"                     # or "fraction"; or "loss", of which less is better (evaluators.table_units)
macs = "macs"                        # also every other cost (space.cost.COST_NAMES), and seconds;
params = { column = "params_m", scale = 1e6 }   # a scale turns other units into ours
key = "canonical"                    # optional: rows with equal values are the same network
lookup = "exact"                     # or "surrogate"
rows = "networks"                    # or "trainings": rows of the same decisions are trainings of one network
where = { scheme = "short" }         # optional: only the rows that hold these values
when.op1 = { op0 = ["conv"] }        # optional: op1 is a decision only where op0 is one of these
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.table_units import UNITS, ResultUnit
from results.toml_file import read_toml
from space.cost import COST_NAMES
from space.errors import InputError, UnknownNameError
from space.search_space import Option

_CHOICES = {
    "unit": tuple(UNITS),
    "lookup": ("exact", "surrogate"),
    "rows": ("networks", "trainings"),
}
_NAMES = ("path", "space", "truth", "key")
_KEYS = (*_NAMES, "decisions", "accuracy", *_CHOICES, "where", "when", "seconds", *COST_NAMES)


@dataclass(frozen=True)
class TableSettings:
    """The ``[table]`` section, checked; ``costs`` maps a cost (and ``seconds``) to (column, scale).

    ``where`` holds the value that a column must have, ``when`` the parent of a decision with the values under which it
    is active. ``source`` is the path of the TOML file as it was given, ``path`` that of the data.
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
    rows: str = "networks"
    where: Mapping[str, Option] = field(default_factory=dict)
    when: Mapping[str, tuple[str, tuple[Option, ...]]] = field(default_factory=dict)

    @property
    def scale(self) -> ResultUnit:
        """The unit of the results."""
        return UNITS[self.unit]

    @property
    def several_seeds(self) -> bool:
        """Whether a network may have several results, so that another seed has another answer."""
        return self.lookup == "exact" and (len(self.accuracy) > 1 or self.rows == "trainings")

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold results and costs."""
        return tuple(
            dict.fromkeys(
                [*self.accuracy, *([self.truth] if self.truth else []), *(c for c, _ in self.costs.values())]
            )
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used."""
        others = [*self.numbers, *self.where, *([self.key] if self.key else [])]
        return tuple(dict.fromkeys([*self.decisions, *others]))


def read_settings(path: str | os.PathLike[str]) -> TableSettings:
    """The ``[table]`` section of a TOML file. Raises InputError naming the key that is wrong or missing."""
    return table_settings(read_toml(path, "table").get("table"), path)


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
    for name in _NAMES:
        if not isinstance(section.get(name, ""), str):
            raise InputError.of(f"{file}: table.{name}", "text", section[name])
    for name, choices in _CHOICES.items():
        if section.get(name, choices[0]) not in choices:
            raise InputError.of(f"{file}: table.{name}", " or ".join(choices), section[name])
    decisions = _names(file, section, "decisions")
    return TableSettings(
        source=os.fspath(source),
        path=file.parent / os.path.expanduser(str(section["path"])),
        decisions=decisions,
        accuracy=_names(file, section, "accuracy"),
        truth=section.get("truth"),
        unit=section.get("unit", "fraction"),
        lookup=section.get("lookup", "exact"),
        space=section.get("space"),
        key=section.get("key"),
        costs={
            name: _scaled(file, name, section[name]) for name in (*COST_NAMES, "seconds") if name in section
        },
        rows=section.get("rows", "networks"),
        where=_where(file, section.get("where", {})),
        when=_when(file, section.get("when", {}), decisions),
    )


def _names(file: Path, section: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = section[key]
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not names or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
        raise InputError.of(f"{file}: table.{key}", "names of columns, each once", value)
    return names


def _where(file: Path, value: Any) -> dict[str, Option]:
    if not isinstance(value, dict) or not all(isinstance(v, (str, bool, int, float)) for v in value.values()):
        raise InputError.of(f"{file}: table.where", "columns with one value each", value)
    return dict(value)


def _when(file: Path, value: Any, decisions: tuple[str, ...]) -> dict[str, tuple[str, tuple[Option, ...]]]:
    wanted = 'decisions with their parent, such as when.op1 = { op0 = ["conv"] }'
    if not isinstance(value, dict):
        raise InputError.of(f"{file}: table.when", wanted, value)
    found = {}
    for name, under in value.items():
        if not isinstance(under, dict) or len(under) != 1:
            raise InputError.of(f"{file}: table.when.{name}", wanted, under)
        ((parent, values),) = under.items()
        for decision in (name, parent):
            if decision not in decisions:
                raise UnknownNameError(f"{file}: table.when: decision", decision, decisions)
        if not isinstance(values, list) or not values:
            raise InputError.of(f"{file}: table.when.{name}.{parent}", "a list of its options", values)
        found[name] = (parent, tuple(values))
    return found


def _scaled(file: Path, key: str, value: Any) -> tuple[str, float]:
    if isinstance(value, str):
        return value, 1.0
    if isinstance(value, dict) and set(value) <= {"column", "scale"} and isinstance(value.get("column"), str):
        scale = value.get("scale", 1.0)
        if isinstance(scale, (int, float)) and scale > 0:
            return value["column"], float(scale)
    raise InputError.of(f"{file}: table.{key}", "a column, or { column = …, scale = … }", value)
