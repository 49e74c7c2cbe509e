"""The pool over Ray: one actor per slot, on this machine or a cluster.

A trial is one call of its actor, which answers at the end; only if that takes longer than a moment does the
driver also listen, by a second call that answers as soon as there is a measurement. So a short trial costs
one round trip, an epoch one message, and the driver keeps only the references of what is running.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from evaluators.evaluator import Candidate, Evaluator, Failure
from evaluators.trial import Message, Trial
from evaluators.workers import Event, events_of, overdue
from space.errors import InputError, RunError

_LISTEN_AFTER_SECONDS = 0.03
_GRACE_SECONDS = 5.0
_FEW = 8  # from here on one more look at the store costs less than another turn of the loop
_PACKAGES = ("space", "evaluators", "results", "search", "nascale")

Answer = tuple[str, list[Message], bool]
"""The worker's name, messages, and whether the trial has ended."""


class _Slot:
    """What lives in a Ray actor: the evaluator, unpickled once, and the trial that is running.

    Calls are served by several threads and may overtake each other, so each names its trial by a ``ticket``:
    the pool numbers the trials it starts.
    """

    def __init__(self, evaluator: Evaluator, memory_bytes: int | None) -> None:
        self._evaluator = evaluator
        self._current: tuple[int, Trial | None] = (0, None)
        self._cancelled = 0
        self._worker = f"{os.uname().nodename}:{os.getpid()}"
        if memory_bytes is not None:
            _limit_memory(memory_bytes)

    def ready(self) -> str:
        """The worker's name, once there is one."""
        return self._worker

    def run(self, ticket: int, candidate: Candidate) -> Answer | None:
        """Runs a trial to its end and gives the messages nobody listened to before.

        None if the cancelled trial before it does not end.
        """
        before = self._current[1]
        if before is not None and not before.wait(_GRACE_SECONDS):
            return None
        trial = Trial(self._evaluator, candidate)
        self._current = ticket, trial
        if self._cancelled >= ticket:
            trial.cancel()
        trial.run()
        return self._worker, *trial.take()

    def listen(self, ticket: int) -> Answer:
        """The running trial's messages, as soon as there is one, or its end."""
        deadline = time.monotonic() + _GRACE_SECONDS
        while (current := self._current)[0] < ticket:  # its ``run`` is not there yet
            if time.monotonic() > deadline:
                return self._worker, [], False
            time.sleep(0.001)
        trial = current[1]
        if current[0] > ticket or trial is None:
            return self._worker, [], True
        return self._worker, *trial.take()

    def cancel(self, ticket: int) -> None:
        """Ends a trial, whether its ``run`` has come or not."""
        self._cancelled = max(self._cancelled, ticket)
        running, trial = self._current
        if trial is not None and running == ticket:
            trial.cancel()


def _limit_memory(memory_bytes: int) -> None:
    """Lets allocations beyond ``memory_bytes`` fail as errors, before the system kills the process for them."""
    try:
        import resource

        with open("/proc/self/statm") as fields:
            used = int(fields.read().split()[5]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (used + memory_bytes, hard))
    except (ImportError, OSError, ValueError):
        pass  # not Linux, or a stricter limit is in force already


@dataclass
class _Task:
    """A submitted candidate: where it runs, since when, and how often it was begun."""

    candidate: Candidate
    worker: _Worker
    started: float
    ticket: int = 0
    attempts: int = 1


@dataclass(eq=False)
class _Worker:
    actor: Any
    name: str
    ready: Any
    run: Any = None
    heard: Any = None
    task: _Task | None = field(default=None, repr=False)


class RayPool:
    """One Ray actor per slot. The evaluator goes to the object store once; its arrays are shared, not copied."""

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        workers: int,
        cpus_per_trial: float = 1.0,
        gpus_per_trial: float = 0.0,
        retries: int = 1,
        trial_timeout: float | None = None,
        ray_address: str | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        import ray

        self._ray = ray
        self._retries = retries
        self._tickets = 0
        self._timeout = trial_timeout
        self._owns_ray = not ray.is_initialized()
        if self._owns_ray:
            _connect(ray_address, workers, cpus_per_trial, gpus_per_trial)
        _check_resources(ray, workers, cpus_per_trial, gpus_per_trial)
        self._evaluator = ray.put(evaluator)
        if memory_bytes is None and ray_address is None and gpus_per_trial == 0:
            memory_bytes = _share_of_memory(workers)
        self._memory_bytes = memory_bytes
        threads = str(max(1, math.floor(cpus_per_trial)))
        self._slot_class: Any = ray.remote(_Slot).options(
            num_cpus=cpus_per_trial,
            num_gpus=gpus_per_trial,
            max_concurrency=4,
            max_restarts=0,
            **({} if self._owns_ray and ray_address is None else _environment(threads)),
        )
        self._workers = [self._new_worker(i) for i in range(workers)]

    def _new_worker(self, index: int) -> _Worker:
        actor = self._slot_class.remote(self._evaluator, self._memory_bytes)
        return _Worker(actor, f"worker {index}", actor.ready.remote())

    @property
    def slots(self) -> int:
        return len(self._workers)

    @property
    def free(self) -> int:
        return sum(worker.task is None for worker in self._workers)

    def submit(self, candidate: Candidate) -> None:
        worker = next((w for w in self._workers if w.task is None), None)
        if worker is None:
            raise RunError(f"trial {candidate.number}: no slot is free")
        self._start(worker, _Task(candidate, worker, time.monotonic()))

    def _start(self, worker: _Worker, task: _Task) -> None:
        self._tickets += 1
        task.worker, task.started, task.ticket = worker, time.monotonic(), self._tickets
        worker.task = task
        worker.run, worker.heard = worker.actor.run.remote(task.ticket, task.candidate), None

    def poll(self, timeout: float | None = None) -> list[Event]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            events = self._collect(deadline)
            if events or self.free == self.slots:
                return events
            if deadline is not None and time.monotonic() >= deadline:
                return []

    def _collect(self, deadline: float | None) -> list[Event]:
        """Waits until an answer, the deadline or a trial's time is there, and handles what came."""
        now = time.monotonic()
        ends = [] if deadline is None else [deadline]
        refs: dict[Any, _Worker] = {}
        for worker in self._workers:
            task = worker.task
            if task is None:
                continue
            refs[worker.run] = worker
            if worker.ready is not None:
                refs[worker.ready] = worker
                continue
            if worker.heard is None and now >= task.started + _LISTEN_AFTER_SECONDS:
                worker.heard = worker.actor.listen.remote(task.ticket)
            if worker.heard is None:
                ends.append(task.started + _LISTEN_AFTER_SECONDS)
            else:
                refs[worker.heard] = worker
            if self._timeout is not None:
                ends.append(task.started + self._timeout)
        if not refs:
            return []
        wait = max(0.0, min(ends) - now) if ends else None
        answered, rest = self._ray.wait(list(refs), num_returns=1, timeout=wait)
        if answered and len(rest) > _FEW:
            more, _ = self._ray.wait(rest, num_returns=len(rest), timeout=0)
            answered += more
        events = [event for ref in answered for event in self._answer(refs[ref], ref)]
        if self._timeout is not None:
            events += self._overdue_events()
        return events

    def _answer(self, worker: _Worker, ref: Any) -> list[Event]:
        """The events in an answer to one of the worker's calls: it is up, it has news, or its trial has ended."""
        task = worker.task
        if task is None or ref not in (worker.run, worker.heard, worker.ready):
            return []  # an earlier answer of this round has settled it
        try:
            if ref is worker.ready:
                self._ray.get(ref)
                # The clock of the trial, which waited for its worker, starts now.
                worker.ready, task.started = None, time.monotonic()
                return []
            heard = self._ray.get(worker.heard) if worker.heard is not None else (worker.name, [], False)
            over = ref is worker.run or heard[2] or any(isinstance(m, Failure) for m in heard[1])
            last = self._ray.get(worker.run) if over else (heard[0], [], False)
        except self._ray.exceptions.RayActorError as error:
            return self._died(worker, task, error)
        except Exception as error:  # an evaluator or a result that cannot be unpickled, Ray's own errors
            self._replace(worker)
            return [Event(task.candidate.number, failure=Failure.of(error), worker=worker.name)]
        if last is None:
            # The cancelled trial before this one does not let go of its worker.
            self._replace(worker)
            self._start(worker, task)
            return []
        worker.name, worker.heard = last[0], None
        if over:
            worker.task = worker.run = None
        else:
            worker.heard = worker.actor.listen.remote(task.ticket)
        return events_of(task.candidate.number, [*heard[1], *last[1]], over, worker.name)

    def _died(self, worker: _Worker, task: _Task, error: Exception) -> list[Event]:
        """A dead worker is replaced; its trial begins again, or fails with the reason."""
        kind, reason = _cause_of_death(error)
        name = worker.name
        self._replace(worker)
        if kind == "died" and task.attempts <= self._retries:
            task.attempts += 1
            self._start(worker, task)
            return [Event(task.candidate.number, restarted=f"{name} {reason}", worker=name)]
        tries = f" ({task.attempts} attempts)" if task.attempts > 1 else ""
        return [Event(task.candidate.number, failure=Failure(kind, f"{name} {reason}{tries}"), worker=name)]

    def _overdue_events(self) -> list[Event]:
        events = []
        for worker in self._workers:
            task, limit = worker.task, self._timeout
            if task is None or limit is None or worker.ready is not None:
                continue
            if time.monotonic() >= task.started + limit:
                name = worker.name
                self._replace(worker)
                events.append(Event(task.candidate.number, failure=overdue(limit), worker=name))
        return events

    def _replace(self, worker: _Worker) -> None:
        """A fresh actor in the worker's place."""
        self._ray.kill(worker.actor)
        fresh = self._new_worker(self._workers.index(worker))
        worker.actor, worker.name, worker.ready = fresh.actor, fresh.name, fresh.ready
        worker.run = worker.heard = worker.task = None

    def cancel(self, number: int) -> None:
        for worker in self._workers:
            if worker.task is not None and worker.task.candidate.number == number:
                worker.actor.cancel.remote(worker.task.ticket)
                worker.run = worker.heard = worker.task = None

    def close(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker.actor)
        self._workers = []
        if self._owns_ray and self._ray.is_initialized():
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _cause_of_death(error: Exception) -> tuple[str, str]:
    """(kind, reason in one line) from Ray's account of an actor's death."""
    text = " ".join(str(error).split())
    if "running low on memory" in text or "OutOfMemory" in type(error).__name__:
        return "oom", "was killed because the machine ran low on memory"
    for mark in ("Worker exit detail:", "The actor is dead because", "died because"):
        if mark in text:
            detail = text.split(mark, 1)[1].strip()
            if "connection error code 2" in detail:
                return "died", "died (killed, out of memory or crashed: the process is gone)"
            return "died", f"died: {detail[:300]}"
    return "died", f"died: {text[:300]}"


def _roots() -> list[str]:
    """The folders from which the project's packages are imported here."""
    folders = []
    for name in _PACKAGES:
        module = sys.modules.get(name)
        if module is not None and module.__file__:
            folders.append(str(Path(module.__file__).resolve().parent))
    return folders


def _environment(threads: str) -> dict[str, Any]:
    """Actor options for a Ray that was not started here: threads, and the packages themselves."""
    return {"runtime_env": {"env_vars": {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}}}


@contextmanager
def _exported(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables that child processes started inside inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _connect(address: str | None, workers: int, cpus: float, gpus: float) -> None:
    """Joins the cluster at ``address``, or starts a local Ray just large enough."""
    import logging

    import ray

    quiet: dict[str, Any] = {
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    if address is not None:
        _check_address(address)
        del quiet["include_dashboard"]
        try:
            # Workers elsewhere do not have this checkout: the packages are uploaded once per job.
            ray.init(address, runtime_env={"py_modules": _roots()}, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError.of("ray_address", "a running Ray cluster", f"{address} ({error})") from None
        return
    parents = [str(Path(folder).parent) for folder in _roots()]
    path = os.pathsep.join(dict.fromkeys([*parents, *filter(None, [os.environ.get("PYTHONPATH")])]))
    threads = str(max(1, math.floor(cpus)))
    variables = {"PYTHONPATH": path, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    with _exported(variables):
        ray.init("local", num_cpus=math.ceil(workers * cpus), num_gpus=None if gpus else 0, **quiet)


def _check_address(address: str) -> None:
    """Raises InputError if nothing listens at ``host:port``: Ray itself would wait for a minute and more."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or a name that Ray resolves
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise InputError.of("ray_address", "a running Ray cluster", f"{address} ({error})") from None


def _check_resources(ray: Any, workers: int, cpus: float, gpus: float) -> None:
    """Raises InputError if the cluster can never hold that many workers."""
    total = ray.cluster_resources()
    for name, each in (("CPU", cpus), ("GPU", gpus)):
        if workers * each > total.get(name, 0.0) + 1e-9:
            raise InputError.of(
                "workers", f"at most {total.get(name, 0.0):g} {name}s in all", f"{workers} of {each:g} each"
            )


def _share_of_memory(workers: int) -> int | None:
    """Nine tenths of this machine's memory, divided among the workers; None where it cannot be told."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    return int(total * 0.9 / workers)
