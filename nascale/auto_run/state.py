"""``auto.json``: what a run of ``nascale auto`` was asked, has decided, has spent and has found.

The file is whole at every moment. What depends on the time is in it before it is acted upon, so that the same command takes
the same decisions after a kill; the seconds spent are written every other second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from results.files import write_json
from space.errors import InputError

FILE = "auto.json"
FORMAT = 1
SPENT = ".spent"
"""The seconds spent, written by themselves: also while something takes long during which nothing else can be written."""
_BEAT = 2.0
_LATER = frozenset({"augmentation"})
"""What earlier documents do not have."""


@dataclass
class State:
    """The document of ``auto.json`` in ``folder``.

    ``request`` is what must be the same to go on; ``decisions`` are those that depend on time. ``planned`` and ``spent``
    are seconds by part of the work (``plan.TITLES``). ``exported`` says what lies in ``export/``. The rest is what was
    found, empty as long as it is not.
    """

    folder: Path
    request: dict[str, Any]
    within_seconds: float
    spent_seconds: float = 0.0
    finished: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    planned: dict[str, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    decisions: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    stock: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[dict[str, Any]] = field(default_factory=list)
    augmentation: dict[str, Any] | None = None
    exported: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    worth_it: str | None = None
    difference: dict[str, Any] | None = None
    ranking: dict[str, Any] | None = None
    more_time: dict[str, Any] | None = None
    family: list[dict[str, Any]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    _written: float = field(default=-1.0, repr=False)

    def write(self, spent: float) -> None:
        """Writes all of it, with the seconds ``spent`` so far. Raises InputError (``--out``) where that is impossible."""
        self.spent_seconds = spent
        document = {"format": FORMAT, **{name: getattr(self, name) for name in _names()}}
        write_json(self.folder / FILE, document, "--out")
        self._written = spent

    def beat(self, spent: float) -> None:
        """Writes it if the last time is a while ago: a kill then forgets no more than two seconds."""
        if not 0 <= spent - self._written < _BEAT:
            self.write(spent)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What lies in ``folder``; None where there is no such file. Raises InputError (``--out``) for another one."""
        path = folder / FILE
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _foreign(path, str(error)) from None
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise _foreign(path, "another document")
        try:
            known = {name: document[name] for name in _names() if name not in _LATER or name in document}
        except KeyError as error:
            raise _foreign(path, f"one without {error}") from None
        state = cls(folder, **known)
        with suppress(OSError, ValueError):
            state.spent_seconds = max(state.spent_seconds, float((folder / SPENT).read_text()))
        return state


def _names() -> list[str]:
    return [item.name for item in fields(State) if item.name not in ("folder", "_written")]


def _foreign(path: Path, came: str) -> InputError:
    return InputError.of("--out", f"a folder whose {FILE} nascale auto wrote", f"{path} ({came})")


@dataclass(frozen=True)
class Finalist:
    """A network that may be trained longer.

    ``arch`` names it for a training (``STUDY:NUMBER`` or the path of a JSON file). ``score`` is what the search ranks it
    by, ``accuracy`` the mean of its ``measurements`` there, both of the narrow network where this one was made wider;
    ``factor`` turns an accuracy into a score.
    """

    name: str
    arch: str
    stock: bool
    score: float
    accuracy: float
    measurements: int
    factor: float
    macs: int
    params: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave, whatever else was added to it."""
        return cls(**{item.name: document[item.name] for item in fields(cls)})
