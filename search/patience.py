"""A database that does not answer for a while: what is to be stored waits in memory, in order, and the search goes on.

A server that restarts, a connection that was cut and a file that another process holds locked pass. So every write goes
through an ``Outbox``: it is done at once where it can be, and else when the database answers again. Only after the whole
of a search's patience does it end. What then is not stored, like the whole study where its file was removed or
damaged, is written to a file from which ``nascale search --recover`` makes the study again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from evaluators.pools.protocol import PATIENCE_SECONDS
from results.database import passes, said
from results.interruption import whole
from results.rescue import Rescued
from results.storage_url import redacted, without_password
from results.trial_result import Status, TrialResult
from search.lease import LeaseLost
from search.optuna_store import OptunaTrialStore
from space.errors import RunError

_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the first, second … further try; the last one is then repeated."""
_MOST_WAITING = 10_000
"""Writes kept in memory, before the search waits too."""
_MEASURE_SECONDS = 1.0
"""Between two writes of measurements of running trials."""


class Outbox:
    """Writes in order, each when the database takes it. ``say`` is told when it stops answering, and when it does again.

    Its methods raise RunError where the database has not answered for ``patience`` seconds, or never will.
    """

    def __init__(
        self, url: str, patience: float = PATIENCE_SECONDS, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._url, self._patience, self._say = url, patience, say
        self._waiting: deque[list[Any]] = deque()
        self._failures = 0
        self._since = self._next = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether everything is stored."""
        return not self._waiting

    def put(self, write: Callable[[bool], object]) -> None:
        """Does ``write(again)``, now or later; ``again`` says that it was begun before, and may have been done."""
        self._waiting.append([write, False])
        self.flush()
        while len(self._waiting) > _MOST_WAITING:
            self._wait()

    def flush(self) -> None:
        """Does what waits, as far as the database answers."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        if self._failures and time.monotonic() < self._next:
            return
        while self._waiting:
            entry = self._waiting[0]
            write, again = entry
            entry[1] = True
            try:
                with whole():
                    write(again)
            except (SQLAlchemyError, StorageInternalError) as error:
                reason = without_password(" ".join(said(error).split()), self._url)
                if not passes(error):
                    raise RunError(
                        f"storage: wanted a database that takes what was found ({reason}), got {redacted(self._url)}"
                    ) from None
                self._failed(reason)
                if self._next > time.monotonic():
                    return
            else:
                self._waiting.popleft()
        if self._failures > 1:
            self._say(
                f"storage: answers again after {time.monotonic() - self._since:.0f} s; everything is stored"
            )
        self._failures = 0

    def _failed(self, reason: str) -> None:
        moment = time.monotonic()
        if not self._failures:
            self._since = moment
        self._next = moment + _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        if moment - self._since > self._patience:
            raise RunError(
                f"storage: wanted a database that answers within {self._patience:g} s (--patience), got "
                f"{redacted(self._url)} ({reason})"
            )
        if self._failures == 2:
            self._say(
                f"storage: {redacted(self._url)} does not answer ({reason}); results are kept in memory and tried "
                f"again for {self._patience:g} s (--patience)"
            )

    def settle(self) -> None:
        """Returns once everything is stored."""
        self.flush()
        while self._waiting:
            self._wait()

    def _wait(self) -> None:
        time.sleep(min(0.2, max(0.0, self._next - time.monotonic())))
        self.flush()


class PatientTrialStore:
    """The trial store of a study in a database, with patience; ``known`` says what a rescue of the study begins with."""

    def __init__(self, store: OptunaTrialStore, outbox: Outbox, known: Rescued) -> None:
        self._store, self._outbox, self._known = store, outbox, known
        self._trials: dict[int, TrialResult] = {}
        self._curves: dict[int, dict[int, float]] = {}
        self._forgotten: set[int] = set()
        self._measured = 0.0
        self._broken = False

    def results(self) -> list[TrialResult]:
        """All trials, those included that are still to be stored."""
        if self._outbox.is_empty and not self._broken:
            self._outbox.put(lambda again: self._read())
            self._outbox.settle()
        return [self._trials[number] for number in sorted(self._trials)]

    def _read(self) -> None:
        self._trials = {trial.number: trial for trial in self._store.results()}

    def start(self, trial: TrialResult) -> None:
        """Keeps the trial, and stores it when the database takes it."""
        self._put(trial, lambda again: self._store.start(trial, again))

    def restart(self, trial: TrialResult) -> None:
        """Keeps that it runs again, and stores it when the database takes it."""
        self._put(trial, lambda again: self._store.restart(trial, again))

    def finish(self, trial: TrialResult) -> None:
        """Keeps the result, and stores it when the database takes it."""
        self._curves.pop(trial.number, None)
        self._forgotten.discard(trial.number)
        self._put(trial, lambda again: self._store.finish(trial, again))

    def measured(self, number: int, step: int, value: float) -> None:
        """Keeps a measurement until the next write of them is due."""
        self._curves.setdefault(number, {})[step] = value

    def forget(self, number: int) -> None:
        """Has the measurements go that are stored or kept."""
        self._curves.pop(number, None)
        self._forgotten.add(number)

    def tick(self) -> None:
        """Stores measurements once a second at most, and what waits."""
        due = (self._curves or self._forgotten) and time.monotonic() - self._measured >= _MEASURE_SECONDS
        if due and self._outbox.is_empty:
            curves, forgotten = self._curves, self._forgotten
            self._curves, self._forgotten, self._measured = {}, set(), time.monotonic()
            self._do(lambda: self._outbox.put(lambda again: self._store.measure(curves, forgotten, again)))
        elif not self._outbox.is_empty:
            self._do(self._outbox.flush)

    def release(self, trials: Sequence[TrialResult]) -> None:
        """Stores the trials as waiting; nothing where the study is lost."""
        if trials and not self._broken:
            for trial in trials:
                self._trials[trial.number] = trial.replace(status=Status.WAITING)
            self._do(lambda: self._outbox.put(lambda again: self._store.release(trials, again)))

    def settle(self) -> None:
        """Returns once everything is stored, and was seen to be there."""
        finished = sum(trial.status.finished for trial in self._trials.values())
        self._do(self._outbox.settle)
        self._do(lambda: self._store.confirm(finished))

    def close(self) -> None:
        """Lets go of the storage. Raises RunError, once, where something could not be stored."""
        try:
            if not self._broken and not self._outbox.is_empty:
                self._do(self._outbox.flush)
                if not self._outbox.is_empty:
                    raise self._lost(RunError("storage: it did not answer when the search was stopped"))
        finally:
            self._store.close()

    def _put(self, trial: TrialResult, write: Callable[[bool], object]) -> None:
        self._trials[trial.number] = trial
        self._do(lambda: self._outbox.put(write))

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except LeaseLost:
            self._broken = True
            raise
        except RunError as error:
            raise self._lost(error) from None

    def _lost(self, error: RunError) -> RunError:
        """The error, with where everything that is known was written to."""
        self._broken = True
        rescued = Rescued(
            self._known.study, self._known.attributes, tuple(self._trials[n] for n in sorted(self._trials))
        )
        try:
            path = rescued.write()
        except OSError as problem:
            return RunError(f"{error}; what was found could not be written either ({problem})")
        return RunError(
            f"{error}; what was found is in {path}: `nascale search --recover {path}` goes on from it"
        )
