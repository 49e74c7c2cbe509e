"""Stored studies as the service reads them: each is read once for all who ask at the same time, and kept for a moment.

How old figures may be follows from what reading them takes (``service.age``): many may then follow a search without slowing it
down. What does not change is not read again.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from results.storage_url import sqlite_path, storage_url
from service import memory
from service.age import allowed_seconds
from service.estimate import FIXED, Rate, measured_rate
from service.jobs.hidden import Hidden
from service.jobs.tails import NOTHING
from space.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

    from results.outline import Outline
    from results.studies import StoredStudy

_LONG_SECONDS = 0.2
_KEPT = 6
"""Studies in memory."""
_STEP_NANOSECONDS = 20_000_000
_PAGES = 64
"""Rendered pages of a table in memory."""
T = TypeVar("T")


class Rows(ABC):
    """The trials of a study at one moment, with the pages that were made of them."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for each ``key``."""
        with self._lock:
            if key not in self._pages:
                started = time.monotonic()
                self._pages[key] = make()
                _tidy(time.monotonic() - started)
                while len(self._pages) > _PAGES:
                    self._pages.popitem(last=False)
            found: T = self._pages[key]
            return found

    @property
    @abstractmethod
    def numbers(self) -> Sequence[int]:
        """Those of all trials, in order."""

    @abstractmethod
    def rows(self, numbers: Sequence[int]) -> pd.DataFrame:
        """The trials of these numbers, as far as they are there, with the columns of ``results.frame.trials``."""

    @abstractmethod
    def front(self) -> pd.DataFrame:
        """The front along the study's own axes."""


class Table(Rows):
    """All trials as a frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    @property
    def numbers(self) -> Sequence[int]:
        return list(self.frame["number"])

    def rows(self, numbers: Sequence[int]) -> pd.DataFrame:
        return self.frame[self.frame["number"].isin(numbers)]

    def front(self) -> pd.DataFrame:
        from results.front import front_of

        return front_of(self.frame)


class OutlinedTable(Rows):
    """Trials of which a row is read when it is asked for."""

    def __init__(self, outline: Outline, hidden: Hidden) -> None:
        super().__init__()
        self._outline, self._hidden = outline, hidden

    @property
    def numbers(self) -> Sequence[int]:
        return self._outline.numbers

    def rows(self, numbers: Sequence[int]) -> pd.DataFrame:
        return _shown(self._outline.rows(numbers), self._hidden)

    def front(self) -> pd.DataFrame:
        return _shown(self._outline.front(), self._hidden)


@dataclass
class _Kept(Generic[T]):
    """Something read, when, how long that took, and of which state of the database."""

    value: T
    read: float
    took: float
    stamp: object

    def serves(self, now: float, stamp: object) -> bool:
        if stamp is not None and stamp == self.stamp:
            return True
        return now - self.read < allowed_seconds(self.took)


class Studies:
    """The studies of one storage, in whose texts nothing ``hidden`` is told. May be asked from several threads."""

    def __init__(self, storage: str, hidden: Hidden = NOTHING) -> None:
        self.storage, self._hidden = storage, hidden
        self._file = sqlite_path(storage_url(storage))
        self._files = tuple(f"{self._file}{suffix}" for suffix in ("", "-wal"))
        self._epoch = 0
        self._kept: OrderedDict[str, _Kept[Any]] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def table(self, name: str) -> Table:
        """The trials of a study. Raises UnknownNameError with the nearest names."""
        self._check_file(name)
        return self._fresh(f"trials {name}", lambda: self._read(name))

    def outline(self, name: str) -> Rows:
        """The trials of a study, of which only those rows are read that are asked for: for large studies.

        Their categories are those of the rows. Raises UnknownNameError with the nearest names.
        """
        self._check_file(name)
        return self._fresh(f"outline {name}", lambda: self._outlined(name))

    def summaries(self) -> list[dict[str, Any]]:
        """One row for each study, oldest first; [] where there is no database yet."""
        return self._fresh("summaries", self._summaries)

    def training_rate(self) -> Rate:
        """What trainings take on this machine, from those that are stored."""
        return self._fresh("rate", self._rate)

    def check(self, name: str) -> None:
        """Raises UnknownNameError with the nearest names where there is no such study."""
        known = [str(row["study"]) for row in self.summaries()]
        if name not in known:
            raise UnknownNameError("study", name, known)

    def attributes(self, name: str) -> Mapping[str, Any]:
        """What a study keeps of itself: its spec, its provenance. Raises UnknownNameError with the nearest names."""
        from results.studies import attributes_of

        self.check(name)
        return attributes_of(name, self.storage) or {}

    def told(self, name: str) -> Mapping[str, Any]:
        """``attributes`` as clients see them."""
        shown: Mapping[str, Any] = self._hidden.document(self.attributes(name))
        return shown

    def loaded(self, name: str, *, architectures: bool = False) -> StoredStudy:
        """A whole study as clients see it. Raises UnknownNameError with the nearest names."""
        from results.studies import load

        found = load(name, self.storage, architectures=architectures)
        trials = tuple(
            one if one.error is None else one.replace(error=self._hidden.text(one.error))
            for one in found.trials
        )
        return replace(found, attributes=self._hidden.document(found.attributes), trials=trials)

    def forget(self) -> None:
        """Has everything read anew when it is asked for next."""
        with self._lock:
            self._epoch += 1
            self._kept.clear()

    def state(self) -> tuple[int, object]:
        """(how often everything was forgotten, what changes whenever the database does or None where that cannot be told)."""
        return self._epoch, self._stamp()

    def _check_file(self, name: str) -> None:
        if "\0" in name or (self._file is not None and not self._file.exists()):
            self.check(name)

    def _outlined(self, name: str) -> Rows:
        from results.outline import Outline

        outline = Outline.of(name, self.storage)
        return self.table(name) if outline is None else OutlinedTable(outline, self._hidden)

    def _summaries(self) -> list[dict[str, Any]]:
        from results.studies import summaries

        if self._file is not None and not self._file.exists():
            return []
        return [row | {"data": self._hidden.document(row["data"])} for row in summaries(self.storage)]

    def _rate(self) -> Rate:
        return FIXED if self._file is not None and not self._file.exists() else measured_rate(self.storage)

    def _read(self, name: str) -> Table:
        from results.frame import trials

        return Table(_shown(trials(name, self.storage), self._hidden))

    def _fresh(self, key: str, read: Callable[[], T]) -> T:
        """What ``read`` gives; one that was read a moment ago serves too, and of many who ask at once one reads."""
        found: _Kept[T] | None = self._found(key, self._stamp())
        if found is not None:
            return found.value
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            epoch, stamp = self.state()
            found = self._found(key, stamp)
            if found is None:
                with self._lock:
                    self._kept.pop(key, None)  # nobody is given it any more, and two take twice the memory
                started = time.monotonic()
                value = read()
                now = time.monotonic()
                found = _Kept(value, now, now - started, stamp)
                self._keep(key, found, epoch)
                del value
                _tidy(found.took)
        return found.value

    def _found(self, key: str, stamp: object) -> _Kept[Any] | None:
        with self._lock:
            found = self._kept.get(key)
            return found if found is not None and found.serves(time.monotonic(), stamp) else None

    def _keep(self, key: str, found: _Kept[Any], epoch: int) -> None:
        with self._lock:
            if epoch != self._epoch:
                return  # it may lack what was to be read anew
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                gone, _ = self._kept.popitem(last=False)
                self._locks.pop(gone, None)

    def _stamp(self) -> object:
        """What changes whenever a SQLite database does; None where that cannot be told from outside.

        A file's time goes forward in steps: of one written to just now, the next change may not show.
        """
        if self._file is None:
            return None
        found = tuple(map(_stat, self._files))
        newest = max((one[2] for one in found if one is not None), default=0)
        return found if time.time_ns() - newest > _STEP_NANOSECONDS else None


def _tidy(seconds: float) -> None:
    """Gives back memory after work of so many seconds; after a little it is not worth the look through the heap."""
    if seconds >= _LONG_SECONDS:
        memory.give_back()


def _shown(frame: pd.DataFrame, hidden: Hidden) -> pd.DataFrame:
    """The frame with its errors as clients see them."""
    known = frame["error"].notna()
    if known.any():
        frame.loc[known, "error"] = [hidden.text(str(error)) for error in frame.loc[known, "error"]]
    return frame


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
