"""Looks after the jobs of one service: takes them from the queue, begins their processes, and settles how each ends.

Everything that it knows is in the database and in the jobs' folders, so that it may be killed at any time: the next one
adopts the processes that still run, and has what was lost begin again.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evaluators.machine import cpus
from results.studies import driver
from service.jobs import processes
from service.jobs.commands import command_line
from service.jobs.errors import NoSuchJob
from service.jobs.job import CancelMode, Job, JobState
from service.jobs.keeper import marks
from service.jobs.lease import BEAT_SECONDS, Held, Leases, Lost
from service.jobs.processes import Process, exit_status, mark_of
from service.jobs.resources import Resources
from service.jobs.retention import Retention
from service.jobs.watcher import Watcher
from space.errors import InputError

MAX_JOBS = 4
"""Jobs at once, where nothing else is said."""
STOP_SECONDS = 60.0
"""For how long a job that is asked to stop may put things in order before it is killed."""
_TICK_SECONDS = 0.5
_START_SECONDS = 10.0
"""For how long a keeper may take until it has written down its process."""
_RETENTION_SECONDS = 60.0
"""Between two looks at what is kept of jobs."""
_INTERRUPTED = (130, 143)
"""The exit status of a command that was ended by Ctrl-C or SIGTERM, by a shell's convention."""
_log = logging.getLogger(__name__)


@dataclass
class _Running:
    """A job whose process this service has begun or adopted."""

    job: Job
    mark: str
    folder: Path
    watcher: Watcher
    since: float = field(default_factory=time.monotonic)
    process: Process | None = None
    asked: bool = False
    """Whether its process was sent a signal to end."""


class Supervisor:
    """Runs at most ``max_jobs`` jobs at once, on at most ``max_cores`` processors of this machine (None: all there are).

    A job is cancelled, resumed and deleted through the store; the supervisor sees that within half a second. ``retention`` says
    how much is kept of jobs, ``program`` is what a job's command line is given to. ``ending`` is called when the process of
    a job has ended, before that is told.
    """

    def __init__(
        self,
        resources: Resources,
        *,
        max_jobs: int = MAX_JOBS,
        max_cores: float | None = None,
        stop_seconds: float = STOP_SECONDS,
        retention: Retention | None = None,
        program: Sequence[str] = processes.PROGRAM,
        ending: Callable[[], None] = lambda: None,
    ) -> None:
        self._resources = resources
        self._store = resources.store
        self._leases = Leases(resources.store.database)
        self._max_jobs, self._max_cores = max_jobs, max_cores or float(cpus())
        self._stop_seconds, self._program = stop_seconds, tuple(program)
        self._retention, self._kept = retention or Retention(), float("-inf")
        self._ending = ending
        self._running: dict[str, _Running] = {}
        self._beaten = float("-inf")
        self._over = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begins to work, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Has it look at the queue now: a job was submitted, or is to end."""
        self._awake.set()

    def stop(self, jobs: Literal["requeue", "leave"] = "requeue", seconds: float = 30.0) -> None:
        """Ends the work of this service: its jobs stop in order (those that take longer than ``seconds`` are killed) and wait
        for the next service; or are left running, for the next service to adopt."""
        self._over.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join()
        for running in self._running.values():
            if jobs == "leave":
                running.watcher.abandon()
            else:
                self._ask(running)
        if jobs == "leave":
            self._leases.leave()
            return
        deadline = time.monotonic() + seconds
        while self._running:
            held = self._leases.held()
            for running in list(self._running.values()):
                if time.monotonic() > deadline and running.process is not None:
                    running.process.kill()
                self._settle(running, held.get(running.job.id), service_stops=True)
            time.sleep(0.1)
        self._leases.requeue()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._tick()
            except Exception:
                # The database is away, or a disk is full: what was not done now is done later.
                _log.exception("the supervisor goes on after an error")
                self._over.wait(_TICK_SECONDS)
            self._awake.wait(_TICK_SECONDS)
            self._awake.clear()

    def _tick(self) -> None:
        processes.reap()
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            self._leases.beat()
            self._beaten = time.monotonic()
            self._sweep()
            for lost in self._leases.lost():
                self._adopt(lost)
        if time.monotonic() - self._kept >= _RETENTION_SECONDS:
            self._retention.apply(self._store)
            self._kept = time.monotonic()
        held = self._leases.held()
        for running in list(self._running.values()):
            self._settle(running, held.get(running.job.id))
        for job in held.keys() - self._running.keys():
            self._leases.interrupt(job, "its process could not be begun")
        self._leases.requeue()
        while len(self._running) < self._max_jobs and not self._over.is_set():
            free = self._max_cores - sum(
                min(one.job.cores, self._max_cores) for one in self._running.values()
            )
            claimed = self._leases.claim(free, self._max_cores)
            if claimed is None:
                break
            self._begin(claimed)

    def _begin(self, job: Job) -> None:
        """Begins the process of a job that was claimed."""
        folder, mark = self._store.folder_of(job.id), mark_of(job.id, job.attempt)
        try:
            line = command_line(job, self._resources)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, content in line.files.items():
                (folder / name).write_text(content)
            watcher = Watcher(job, self._leases, self._resources, fresh=True)
            # Not the whole line: clients read the log, and places of files are none of their business.
            header = f"--- nascale {job.kind}, attempt {job.attempt}"
            command = (*self._program, *line.arguments)
            processes.begin(folder, mark, command, line.environment, header)
        except (InputError, OSError) as error:
            self._leases.end(job.id, JobState.FAILED, self._resources.hidden.text(str(error)), None)
            return
        self._running[job.id] = _Running(job, mark, folder, watcher)
        watcher.start()

    def _adopt(self, lost: Lost) -> None:
        """Takes on a job whose service is gone: its process goes on if it still runs, else the job is interrupted."""
        job = lost.job
        if not lost.here and self._works_elsewhere(job):
            return
        if not self._leases.take_over(lost):
            return
        folder, mark = self._store.folder_of(job.id), mark_of(job.id, job.attempt)
        if exit_status(folder, mark) is not None or (lost.here and self._is_kept(folder, mark)):
            watcher = Watcher(job, self._leases, self._resources)
            self._running[job.id] = _Running(job, mark, folder, watcher)
            watcher.start()
            return
        processes.kill(mark)
        if job.wish is not None:
            self._leases.end(job.id, JobState.CANCELLED, "ended with its service", None)
        else:
            begun = not lost.here or Process.found(folder, mark) is not None
            what = "its service and its process are gone" if begun else "its service was gone before it began"
            # A job is not at fault for what ends services, so that costs none of its attempts.
            self._leases.interrupt(job.id, what, counts=begun)

    def _works_elsewhere(self, job: Job) -> bool:
        """Whether the process of a job whose service is gone still works on the job's study, on another machine."""
        if job.study is None:
            return False
        with suppress(InputError):
            return driver(job.study, self._resources.storage) is not None
        return False

    def _is_kept(self, folder: Path, mark: str) -> bool:
        """Whether an attempt's keeper lives, or has written down how it ended."""
        deadline = time.monotonic() + 1.0
        while (
            Process.found(folder, mark) is None and processes.is_there(mark) and time.monotonic() < deadline
        ):
            time.sleep(0.02)  # it was begun just before its service was killed
        process = Process.found(folder, mark)
        return (process is not None and process.kept) or exit_status(folder, mark) is not None

    def _sweep(self) -> None:
        """Kills processes of jobs that no service on this machine answers for: others have taken them over meanwhile."""
        for mark in set(marks().values()):
            job, _, attempt = mark.rpartition(".")
            owned = self._leases.owned_here(job)
            if owned is not None and str(owned) == attempt:
                continue
            with suppress(NoSuchJob):  # then it is of another service with a database of its own
                self._store.get(job)
                processes.kill(mark)

    def _settle(self, running: _Running, held: Held | None, *, service_stops: bool = False) -> None:
        """Looks how a job is doing, and does what is asked for."""
        if held is None:
            self._forget(running)
            return
        job, folder, mark = held.job, running.folder, running.mark
        running.process = process = running.process or Process.found(folder, mark)
        status = exit_status(folder, mark)
        if status is None and self._is_lost(running):
            status = exit_status(folder, mark)  # written in the last moment
            if status is None:
                processes.kill(mark)
                self._end(running, job, -signal.SIGKILL, service_stops)
                return
        if status is not None:
            self._end(running, job, status, service_stops)
        elif process is not None:
            if job.state is JobState.STARTING:
                self._leases.runs(job.id)
            if job.wish is CancelMode.KILL or (held.wished or 0.0) > self._stop_seconds:
                process.kill()
            elif job.wish is CancelMode.STOP and not running.asked:
                self._ask(running)

    def _ask(self, running: _Running) -> None:
        """Asks the process of a job to end in order."""
        process = running.process or Process.found(running.folder, running.mark)
        if process is not None:
            process.stop()
            running.asked = True

    def _is_lost(self, running: _Running) -> bool:
        """Whether nobody is there to say how a job ends."""
        if running.process is not None:
            return not running.process.kept
        waited = time.monotonic() - running.since
        return waited > _START_SECONDS or (waited > 1.0 and not processes.is_there(running.mark))

    def _end(self, running: _Running, job: Job, status: int, service_stops: bool) -> None:
        """Stores how a job ended."""
        running.watcher.close()
        self._ending()
        if status == 0:
            self._leases.end(job.id, JobState.SUCCEEDED, None, status)
        elif job.wish is not None:
            why = "stopped" if status in _INTERRUPTED else "killed"
            self._leases.end(job.id, JobState.CANCELLED, why, status)
        elif service_stops:
            self._leases.interrupt(job.id, "the service was stopped", status, counts=False)
        elif status < 0 or status in _INTERRUPTED:
            self._leases.interrupt(job.id, f"its process was ended by {_signal(status)}", status)
        else:
            why = processes.last_error(self._store.log_path(job.id)) or f"exit status {status}"
            self._leases.end(job.id, JobState.FAILED, self._resources.hidden.text(why), status)
        del self._running[job.id]

    def _forget(self, running: _Running) -> None:
        """Lets go of a job that another service has taken over, while this one did not answer."""
        running.watcher.abandon()
        del self._running[running.job.id]
        if self._leases.owned_here(running.job.id) != running.job.attempt:
            processes.kill(running.mark)


def _signal(status: int) -> str:
    """The name of the signal that an exit status tells of."""
    number = -status if status < 0 else status - 128
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
