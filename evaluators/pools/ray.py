"""The pool over Ray: one actor per slot, on this machine or a cluster.

A trial is one call of its actor, which answers at the end. Only if that takes longer than a moment does the driver
also listen, by a second call that answers as soon as there is a measurement. So a short trial costs one round
trip, an epoch one message, and the driver keeps only the references of what is running.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from evaluators.evaluator import Candidate, Evaluator, Failure
from evaluators.pools import ray_cluster
from evaluators.pools.protocol import Event, PoolSettings
from evaluators.pools.ray_worker import RayWorker
from evaluators.pools.running_trial import GRACE_SECONDS, events_of, timed_out
from results.trial_result import Status
from space.errors import RunError

_LISTEN_AFTER_SECONDS = 0.03
_LOOK_SECONDS = 1.0
"""Between two looks at whether Ray still runs."""
_FEW = (
    8  # with more references than this, one more look at the store costs less than another turn of the loop
)


@dataclass
class _Task:
    """A submitted candidate: since when it runs, from when its time counts, and how often it was begun."""

    candidate: Candidate
    started: float = 0.0
    clock: float = 0.0
    ticket: int = 0
    attempts: int = 1


@dataclass(eq=False)
class _Worker:
    """An actor, the references of its calls that have not been answered, and its trial.

    ``leaving`` is the time until which a cancelled trial may still be on it.
    """

    actor: Any
    name: str
    ready: Any
    run: Any = None
    heard: Any = None
    leaving: float = 0.0
    task: _Task | None = field(default=None, repr=False)


class RayPool:
    """One Ray actor per slot. The evaluator goes to the object store once; its arrays are shared, not copied."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: PoolSettings,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        import ray

        self._ray = ray
        self._given = evaluator
        self._settings = settings
        self._workers: list[_Worker] = []
        self._retries = settings.retries
        self._tickets = 0
        self._timeout = settings.trial_timeout
        self._session = None if ray.is_initialized() else ray_cluster.connect(settings, say)
        try:
            ray_cluster.check_resources(settings)
            self._memory_bytes = ray_cluster.memory_of_worker(settings)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Hands out the evaluator, and has the workers start."""
        settings = self._settings
        local = self._session is not None and settings.ray_address is None
        self._evaluator = ray_cluster.handed_out(self._given, settings)
        self._actor: Any = self._ray.remote(RayWorker).options(
            num_cpus=settings.cpus_per_trial,
            num_gpus=settings.gpus_per_trial,
            max_concurrency=4,
            max_restarts=0,
            **({} if local else ray_cluster.environment(settings)),
        )
        self._workers = [self._new_worker(i) for i in range(settings.workers)]

    def _new_worker(self, index: int) -> _Worker:
        actor = self._actor.remote(self._evaluator, self._memory_bytes)
        return _Worker(actor, f"worker {index}", actor.ready.remote())

    @property
    def slots(self) -> int:
        return len(self._workers)

    @property
    def free(self) -> int:
        return sum(worker.task is None for worker in self._workers)

    def submit(self, candidate: Candidate) -> None:
        """Starts a trial, on a worker that no cancelled trial is leaving, if there is one."""
        idle = [worker for worker in self._workers if worker.task is None]
        if not idle:
            raise RunError(f"trial {candidate.number}: no slot is free")
        self._start(min(idle, key=lambda worker: worker.leaving), _Task(candidate))

    def _start(self, worker: _Worker, task: _Task) -> None:
        self._tickets += 1
        task.started, task.ticket = time.monotonic(), self._tickets
        task.clock = max(task.started, worker.leaving)
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
        if self._session is not None:
            if ended := self._session.ended():
                return self._start_anew(ended)
            ends.append(now + _LOOK_SECONDS)
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
                ends.append(task.clock + self._timeout)
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
                # The trial waited for its worker: its time counts from now.
                worker.ready, task.started = None, time.monotonic()
                task.clock = task.started
                return []
            heard = self._ray.get(worker.heard) if worker.heard is not None else (worker.name, [], False)
            over = ref is worker.run or heard[2] or any(isinstance(m, Failure) for m in heard[1])
            last = self._ray.get(worker.run) if over else (heard[0], [], False)
        except Exception as error:
            if self._session is not None and (ended := self._session.ended(at_once=True)):
                return self._start_anew(ended)
            if isinstance(error, self._ray.exceptions.RayActorError):
                return self._died(worker, task, error)
            # An evaluator or a result that cannot be unpickled, Ray's own errors.
            self._replace(worker)
            return [Event(task.candidate.number, failure=Failure.of(error), worker=worker.name)]
        if last is None:
            # The cancelled trial before this one has not left its worker.
            self._replace(worker)
            self._start(worker, task)
            return []
        worker.name, worker.heard = last[0], None
        if over:
            worker.task = worker.run = None
            worker.leaving = 0.0
        else:
            worker.heard = worker.actor.listen.remote(task.ticket)
        return events_of(task.candidate.number, [*heard[1], *last[1]], over, worker.name)

    def _start_anew(self, ended: str) -> list[Event]:
        """A local Ray of which a process has ended is started anew, and what ran begins again."""
        assert self._session is not None
        tasks = [worker.task for worker in self._workers if worker.task is not None]
        for worker in self._workers:
            worker.task = None
        self._session.restart(ended)
        self._begin()
        for worker, task in zip(self._workers, tasks, strict=False):
            self._start(worker, task)
        return [Event(task.candidate.number, restarted=f"Ray's {ended} has ended") for task in tasks]

    def _died(self, worker: _Worker, task: _Task, error: Exception) -> list[Event]:
        """A dead worker is replaced; its trial begins again, or fails with the reason."""
        status, reason = cause_of_death(error)
        name = worker.name
        if self._session is not None:
            self._session.went_wrong()
        self._replace(worker)
        if status is Status.DIED and task.attempts <= self._retries:
            task.attempts += 1
            self._start(worker, task)
            return [Event(task.candidate.number, restarted=f"{name} {reason}", worker=name)]
        tries = f" ({task.attempts} attempts)" if task.attempts > 1 else ""
        return [Event(task.candidate.number, failure=Failure(status, f"{name} {reason}{tries}"), worker=name)]

    def _overdue_events(self) -> list[Event]:
        events = []
        for worker in self._workers:
            task, limit = worker.task, self._timeout
            if task is None or limit is None or worker.ready is not None:
                continue
            if time.monotonic() >= task.clock + limit:
                name = worker.name
                self._replace(worker)
                events.append(Event(task.candidate.number, failure=timed_out(limit), worker=name))
        return events

    def _replace(self, worker: _Worker) -> None:
        """A fresh actor in the worker's place."""
        self._ray.kill(worker.actor)
        fresh = self._new_worker(self._workers.index(worker))
        worker.actor, worker.name, worker.ready = fresh.actor, fresh.name, fresh.ready
        worker.run = worker.heard = worker.task = None
        worker.leaving = 0.0

    def cancel(self, number: int) -> None:
        """Has the actor set the trial's flag; a worker that the trial does not leave is replaced by the next one."""
        for worker in self._workers:
            if worker.task is not None and worker.task.candidate.number == number:
                worker.actor.cancel.remote(worker.task.ticket)
                worker.run = worker.heard = worker.task = None
                worker.leaving = time.monotonic() + GRACE_SECONDS

    def close(self) -> None:
        if self._session is not None:
            self._session.close()  # and what runs with it
        else:
            for worker in self._workers:
                self._ray.kill(worker.actor)
        self._session, self._workers = None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def cause_of_death(error: Exception) -> tuple[Status, str]:
    """(status, reason in one line) of an actor's death, from what Ray says of it."""
    text = " ".join(str(error).split())
    if "running low on memory" in text or "OutOfMemory" in type(error).__name__:
        return Status.OOM, "was killed because the machine ran low on memory"
    for mark in ("Worker exit detail:", "The actor is dead because", "died because"):
        if mark in text:
            detail = text.split(mark, 1)[1].strip()
            if "connection error code 2" in detail:
                return Status.DIED, "died (killed, out of memory or crashed: the process is gone)"
            return Status.DIED, f"died: {detail[:300]}"
    return Status.DIED, f"died: {text[:300]}"
