"""Tables of results as evaluators: looked up exactly, or answered by a model fitted to their rows.

A TOML file says which columns are decisions, accuracies and costs:

    [table]
    path = "nas-bench-macro.parquet"     # Parquet, CSV or JSON, relative to the file
    space = "nas-bench-macro"            # optional: decisions decode to real architectures
    decisions = ["op0", "op1"]           # columns
    accuracy = ["seed0", "seed1"]        # one is drawn for each network
    truth = "mean"                       # optional: what regret is measured against
    unit = "percent"                     # or "fraction"
    macs = "macs"                        # also params, flops, activation_bytes, latency_seconds, seconds;
    params = { column = "params_m", scale = 1e6 }   # a scale turns other units into ours
    key = "canonical"                    # optional: rows with equal values are the same network
    lookup = "exact"                     # or "surrogate"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluators.evaluator import Candidate, Measurement
from space.errors import InputError, RunError, UnknownNameError
from space.search_space import Decision, Decisions, Option, SearchSpace
from space.spaces import space as space_of

if TYPE_CHECKING:
    import pandas as pd

    from evaluators.surrogate import Surrogate

COSTS = ("macs", "params", "flops", "activation_bytes", "training_bytes", "latency_seconds")
_KEYS = ("path", "space", "decisions", "accuracy", "truth", "unit", "lookup", "key", "seconds", *COSTS)
_UNITS = {"percent": 0.01, "fraction": 1.0}


@dataclass(frozen=True)
class TableSettings:
    """The ``[table]`` section, checked; ``costs`` maps a cost (and ``seconds``) to (column, scale)."""

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
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of("table", "a TOML file that can be read", f"{file} ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of("table", "a TOML file", f"{file} ({error})") from None
    section = document.get("table")
    if not isinstance(section, dict):
        raise InputError.of("table", "a [table] section", str(file))
    for name in section:
        if name not in _KEYS:
            raise UnknownNameError(f"{file}: table key", name, _KEYS)
    for name in ("path", "decisions", "accuracy"):
        if name not in section:
            raise InputError(f"{file}: table.{name}: wanted, got none")
    for name, choices in (("unit", tuple(_UNITS)), ("lookup", ("exact", "surrogate"))):
        if section.get(name, choices[0]) not in choices:
            raise InputError.of(f"{file}: table.{name}", " or ".join(choices), section[name])
    return TableSettings(
        path=file.parent / os.path.expanduser(str(section["path"])),
        decisions=_names(file, section, "decisions"),
        accuracy=_names(file, section, "accuracy"),
        truth=section.get("truth"),
        unit=section.get("unit", "fraction"),
        lookup=section.get("lookup", "exact"),
        space=section.get("space"),
        key=section.get("key"),
        costs={name: _scaled(file, name, section[name]) for name in (*COSTS, "seconds") if name in section},
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


@dataclass(frozen=True, eq=False)
class TableEvaluator:
    """Answers from a table at once, without training; ``open_table`` makes one.

    ``accuracies`` has shape (rows, seed columns) and is a fraction, ``truths`` (rows,); ``index`` maps option
    positions to a row. With a ``surrogate`` it answers for every assignment, without one for the rows alone.
    """

    settings: TableSettings
    space: SearchSpace
    rows: tuple[tuple[int, ...], ...]
    accuracies: np.ndarray[Any, np.dtype[np.float64]]
    truths: np.ndarray[Any, np.dtype[np.float64]]
    cost_columns: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    keys: tuple[str, ...] | None
    checksum: str
    surrogate: Surrogate | None = None
    index: Mapping[tuple[int, ...], int] = field(default_factory=dict)

    instant = True

    @property
    def partial(self) -> bool:
        """Whether some assignments of the space have no answer."""
        return self.surrogate is None and len(self.rows) < self.space.size

    def position(self, decisions: Mapping[str, Option]) -> tuple[int, ...]:
        """Option positions of an assignment."""
        return tuple(d.index(decisions[d.name]) for d in self.space.decisions)

    def knows(self, decisions: Mapping[str, Option]) -> bool:
        """Whether there is an answer for these decisions."""
        return self.surrogate is not None or self.position(decisions) in self.index

    def assignments(self) -> list[Decisions]:
        """The assignments of the rows."""
        return [
            {d.name: d.options[i] for d, i in zip(self.space.decisions, row, strict=True)}
            for row in self.rows
        ]

    def key(self, decisions: Mapping[str, Option]) -> str | None:
        """The row's key where the table has a column for it."""
        row = self.index.get(self.position(decisions)) if self.keys is not None else None
        return self.keys[row] if self.keys is not None and row is not None else None

    def costs(self, decisions: Mapping[str, Option]) -> dict[str, float]:
        """The costs that the table has columns for; integers where the column holds them."""
        position = self.position(decisions)
        if self.surrogate is not None:
            return self.surrogate.costs(position)
        row = self.index[position]
        return {name: _plain(column[row]) for name, column in self.cost_columns.items() if name != "seconds"}

    def truth(self, decisions: Mapping[str, Option]) -> float:
        """The accuracy without noise: the truth column, the mean over seeds, or the model's answer."""
        position = self.position(decisions)
        if self.surrogate is not None:
            return self.surrogate.accuracy(position)
        return float(self.truths[self.index[position]])

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        """One measurement; the seed column is drawn with the candidate's stream."""
        position = self.position(candidate.decisions)
        if self.surrogate is not None:
            accuracy = truth = self.surrogate.accuracy(position)
            seconds = 0.0
        else:
            row = self.index.get(position)
            if row is None:
                raise RunError(f"the table has no row for {dict(candidate.decisions)}")
            accuracy = float(self.accuracies[row, candidate.stream % self.accuracies.shape[1]])
            truth = float(self.truths[row])
            seconds = float(self.cost_columns["seconds"][row]) if "seconds" in self.cost_columns else 0.0
        yield Measurement(1, accuracy, None, seconds, {"truth": truth})

    def describe(self) -> dict[str, Any]:
        """The table, its checksum and, for a surrogate, how well it fits."""
        told: dict[str, Any] = {
            "evaluator": "table",
            "table": self.settings.path.name,
            "lookup": self.settings.lookup,
            "rows": len(self.rows),
            "checksum": self.checksum,
        }
        if self.surrogate is not None:
            told["surrogate"] = self.surrogate.scores
        return told

    @property
    def fidelity(self) -> dict[str, Any]:
        """What an answer stands for."""
        return {"lookup": self.settings.lookup}


def open_table(path: str | os.PathLike[str]) -> TableEvaluator:
    """The evaluator that a TOML file describes.

    Raises InputError, one line, for a table that cannot be read, lacks a column, holds a missing value or the
    same decisions twice (a surrogate may hold them), or does not fit the space that it names.
    """
    settings = read_settings(path)
    frame = _read(settings)
    raw = {column: _options(frame[column]) for column in settings.decisions}
    space, columns = _space(settings, raw)
    positions = [
        [_position(decision, value, column) for value in raw[column]]
        for decision, column in zip(space.decisions, columns, strict=True)
    ]
    rows = tuple(zip(*positions, strict=True))
    index: dict[tuple[int, ...], int] = {}
    for number, row in enumerate(rows):
        first = index.setdefault(row, number)
        if first != number and settings.lookup == "exact":
            raise InputError(
                f"table {settings.path.name}: wanted distinct decisions, got rows {first} and {number} with the same"
            )
    accuracies = frame[list(settings.accuracy)].to_numpy(dtype=np.float64) * _UNITS[settings.unit]
    if accuracies.min() < 0 or accuracies.max() > 1:
        raise InputError(
            f"table {settings.path.name}: wanted accuracies of 0 to 1 after unit = {settings.unit!r}, got "
            f"{accuracies.min():g} to {accuracies.max():g}"
        )
    truths = (
        frame[settings.truth].to_numpy(dtype=np.float64) * _UNITS[settings.unit]
        if settings.truth
        else accuracies.mean(axis=1)
    )
    costs = {name: _column(frame, column, scale) for name, (column, scale) in settings.costs.items()}
    surrogate = None
    if settings.lookup == "surrogate":
        from evaluators.surrogate import fit

        surrogate = fit(space, np.array(rows), accuracies.mean(axis=1), costs)
    return TableEvaluator(
        settings,
        space,
        rows,
        accuracies,
        truths,
        costs,
        tuple(frame[settings.key].astype(str)) if settings.key else None,
        _checksum(settings.path),
        surrogate,
        index,
    )


def _read(settings: TableSettings) -> pd.DataFrame:
    """The used columns; checked for missing columns and values."""
    import pandas as pd

    path = settings.path
    readers = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".json": pd.read_json}
    if path.suffix not in readers:
        raise InputError.of("table.path", "a .parquet, .csv or .json file", str(path))
    try:
        frame: pd.DataFrame = readers[path.suffix](path)  # type: ignore[operator]
    except OSError as error:
        raise InputError.of(
            "table.path", "a file that can be read", f"{path} ({error.strerror or error})"
        ) from None
    except ValueError as error:
        raise InputError.of("table.path", f"a {path.suffix} file", f"{path} ({error})") from None
    for column in settings.columns:
        if column not in frame.columns:
            raise UnknownNameError(f"table {path.name}: column", column, map(str, frame.columns))
    if frame.empty:
        raise InputError.of("table.path", "a table with rows", str(path))
    frame = frame[list(settings.columns)]
    missing = frame.isna()
    if missing.to_numpy().any():
        row, column = np.argwhere(missing.to_numpy())[0]
        raise InputError(
            f"table {path.name}: wanted a value in column {frame.columns[column]!r} of row {row}, got none"
        )
    numeric = (*settings.accuracy, settings.truth, *(c for c, _ in settings.costs.values()))
    for column in filter(None, numeric):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise InputError.of(f"table {path.name}: column {column!r}", "numbers", str(frame[column].dtype))
    return frame


def _options(column: pd.Series[Any]) -> list[Option]:
    """The column's values as plain Python values."""
    return [value if isinstance(value, (str, bool, int, float)) else str(value) for value in column.tolist()]


def _space(settings: TableSettings, raw: Mapping[str, list[Option]]) -> tuple[SearchSpace, tuple[str, ...]]:
    """The space, and the column of each of its decisions.

    A named space takes the columns by its decisions' names where these are the same, else in their order.
    Without one the space is made of the values that the columns hold.
    """
    if settings.space is None:
        decisions = tuple(
            Decision(column, tuple(sorted(set(values), key=lambda v: (isinstance(v, str), v))))
            for column, values in raw.items()
        )
        return SearchSpace(settings.path.stem, decisions), settings.decisions
    space = space_of(settings.space)
    names = tuple(d.name for d in space.decisions)
    if any(d.parent is not None for d in space.decisions) or len(names) != len(settings.decisions):
        raise InputError(
            f"table {settings.path.name}: space {space.name} has {len(names)} decisions "
            f"({', '.join(names[:8])}{' …' if len(names) > 8 else ''}), the table names {len(settings.decisions)}"
        )
    return space, names if set(names) == set(settings.decisions) else settings.decisions


def _position(decision: Decision, value: Option, column: str) -> int:
    for index, option in enumerate(decision.options):
        if option == value:
            return index
    wanted = ", ".join(map(repr, decision.options))
    raise InputError(f"table column {column!r}: {value!r} is no option of {decision.name} ({wanted})")


def _column(frame: pd.DataFrame, column: str, scale: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return frame[column].to_numpy(dtype=np.float64) * scale


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else float(value)


def _checksum(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=10).hexdigest()
