"""Follows the work of one job in a thread, and stores what happens as events: however many follow the job, this is done once."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from results.database import Query, reading
from results.storage_url import storage_url
from results.studies import attributes_of
from service.jobs.job import EventType, Job, JobKind
from service.jobs.lease import Leases
from service.jobs.resources import Resources
from service.jobs.subjects import OUT
from service.jobs.tails import StudyTail, epoch_tail, log_tail, progress_of
from space.errors import InputError

_WATCH_SECONDS = 1.0
_OF_TRIALS = (JobKind.SEARCH, JobKind.SCALE_SEARCH, JobKind.AUTO)
_log = logging.getLogger(__name__)


class Watcher:
    """Follows ``job`` from where it was last seen. ``fresh`` says that its process is about to begin: what is in its study by
    then is not told."""

    def __init__(self, job: Job, leases: Leases, resources: Resources, *, fresh: bool = False) -> None:
        self._job, self._leases, self._resources = job, leases, resources
        self._folder = resources.store.folder_of(job.id)
        self._log_path = resources.store.log_path(job.id)
        self._study: StudyTail | None = None
        stored = leases.seen(job.id)
        self._mark: dict[str, Any] = {} if stored is None else json.loads(stored)
        self._progress: dict[str, Any] = dict(job.progress)
        if fresh and stored is None:
            with suppress(InputError):
                self._mark["study"] = self._past()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"watcher-{job.id}", daemon=True)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def abandon(self) -> None:
        """Follows no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """Tells what is left to be told, and follows no more: the job's process has ended."""
        if self._over.is_set():
            return
        self.abandon()
        while self._step(ended=True):
            pass

    def _work(self) -> None:
        while not self._over.wait(_WATCH_SECONDS):
            try:
                self._step()
            except Exception:
                _log.exception("job %s: what happened is told later", self._job.id)

    def _step(self, *, ended: bool = False) -> bool:
        """Stores what is new; whether there was anything."""
        mark, progress = dict(self._mark), dict(self._progress)
        chunks, mark["log"] = log_tail(
            self._log_path, mark.get("log", 0), self._resources.hidden, ended=ended
        )
        events: list[tuple[EventType, Mapping[str, Any]]] = [(EventType.LOG, chunk) for chunk in chunks]
        progress |= progress_of("".join(chunk["text"] for chunk in chunks))
        if self._job.kind is JobKind.TRAIN:
            epochs, mark["epoch"] = epoch_tail(self._folder / OUT / "metrics.csv", mark.get("epoch", 0))
            events += [(EventType.EPOCH, row) for row in epochs]
            progress |= self._trained(epochs, progress)
        elif self._job.kind in _OF_TRIALS:
            found, mark["study"] = self._trials(mark.get("study", {}))
            events += found
            progress |= self._searched(mark["study"])
        if mark == self._mark and progress == self._progress:
            return False
        moved = progress.get("done") != self._progress.get("done")
        if self._leases.record(self._job.id, events, progress, json.dumps(mark), moved=moved):
            self._mark, self._progress = mark, progress
            return bool(events)
        return False

    def _trained(self, epochs: list[dict[str, Any]], before: Mapping[str, Any]) -> dict[str, Any]:
        """The progress of a training after these epochs."""
        if not epochs:
            return {}
        accuracies = [row[name] for row in epochs for name in ("accuracy", "average_accuracy") if name in row]
        best = max([*accuracies, *([before["best"]] if "best" in before else [])], default=None)
        told: dict[str, Any] = {"done": epochs[-1]["epoch"], "unit": "epochs"}
        with suppress(OSError, ValueError, KeyError, TypeError):
            told["wanted"] = int(json.loads((self._folder / OUT / "run.json").read_text())["spec"]["epochs"])
        return told if best is None else told | {"best": best}

    def _trials(
        self, mark: Mapping[str, Any]
    ) -> tuple[list[tuple[EventType, Mapping[str, Any]]], Mapping[str, Any]]:
        with suppress(InputError), self._reading() as query:
            tail = self._tail()
            if tail is not None:
                events, mark = tail.new(query, mark)
                hidden = self._resources.hidden
                return [(EventType(kind), hidden.document(data)) for kind, data in events], mark
        return [], mark

    def _searched(self, mark: Mapping[str, Any]) -> dict[str, Any]:
        """The progress of a search whose trials were seen up to ``mark``."""
        if self._study is None or not mark:
            return {}
        told = {"done": mark["ended"], "unit": "trials", "wanted": self._study.wanted, "best": mark["best"]}
        return {name: value for name, value in told.items() if value is not None}

    def _past(self) -> Mapping[str, Any]:
        tail = self._tail() if self._job.kind in _OF_TRIALS else None
        if tail is None:
            return {}
        with self._reading() as query:
            return tail.past(query)

    def _tail(self) -> StudyTail | None:
        """The study of the job; None while there is none."""
        if self._study is None:
            name, storage = self._place
            attributes = None if name is None else attributes_of(name, storage)
            if name is not None and attributes is not None:
                self._study = StudyTail(name, attributes)
        return self._study

    @property
    def _place(self) -> tuple[str | None, str]:
        """The name of the job's study, and where it is kept: ``nascale auto`` has a database of its own."""
        if self._job.kind is JobKind.AUTO:
            from nascale.auto_run.spec import DATABASE, STUDY

            return STUDY, storage_url(self._folder / OUT / DATABASE)
        return self._job.study, self._resources.storage

    @contextmanager
    def _reading(self) -> Iterator[Query]:
        _, storage = self._place
        if storage != self._resources.storage:
            with reading(storage) as query:
                yield query
            return
        from sqlalchemy import text

        with self._resources.store.database.reading() as connection:
            yield lambda sql, **values: [tuple(row) for row in connection.execute(text(sql), values)]
