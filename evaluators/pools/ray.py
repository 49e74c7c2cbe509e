"""The pool over Ray: one actor per slot, on this machine or a cluster.

A trial is one call of its actor, which answers at the end. Only if that takes longer than a moment does the driver
also listen, by a second call that answers as soon as there is a measurement. So a short trial costs one round
trip, an epoch one message, and the driver keeps only the references of what is running.

A trial that its worker or the machine failed waits in the pool until it is begun again, and takes a slot meanwhile. A
worker that measures no network at all is closed after a few trials in a row; what it could not do goes elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

from evaluators.evaluator import Candidate, Evaluator, Failure
from evaluators.pools import ray_cluster
from evaluators.pools.faults import FEW, Blame, Endurance, Fault, cause_of_loss, is_death
from evaluators.pools.kernel_kills import KernelKills
from evaluators.pools.pace import Pace
from evaluators.pools.placement import SLOW_SECONDS, Places
from evaluators.pools.protocol import Event, PoolSettings
from evaluators.pools.ray_session import as_a_driver
from evaluators.pools.ray_slot import Task, Worker
from evaluators.pools.ray_worker import RayWorker
from evaluators.pools.running_trial import GRACE_SECONDS, events_of, fault_in, timed_out
from results.trial_result import Status
from space.errors import RunError

_LISTEN_AFTER_SECONDS = 0.03
_SLOW_START_SECONDS = 60.0
"""On this machine, which has room for all workers: it is busy."""
_LOOK_SECONDS = 1.0
"""Between two looks at whether Ray still runs."""
_FEW_REFERENCES = 8
"""With more references than this, one more look at the store costs less than another turn of the loop."""


class RayPool:
    """One Ray actor per slot. The evaluator goes to the object store once; its arrays are shared, not copied.

    ``say`` is told of faults of workers and machines.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: PoolSettings,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        with as_a_driver():
            import ray

        self._ray, self._say = ray, say
        self._given = evaluator
        self._settings = settings
        self._again: list[Task] = []
        self._workers = [Worker(index) for index in range(settings.workers)]
        self._retries = settings.retries
        self._tickets = 0
        self._looked = 0.0
        self._over: RunError | None = None
        self._pace = Pace(settings.trial_timeout, evaluator.schedule)
        self._endurance = Endurance(settings.patience, say)
        self._session = None if ray.is_initialized() else ray_cluster.connect(settings, say)
        try:
            ray_cluster.check_resources(settings)
            self._memory_bytes = ray_cluster.memory_of_worker(settings)
            slow = _SLOW_START_SECONDS if settings.ray_address is None else SLOW_SECONDS
            self._places = Places(settings.patience, say, slow)
            self._kernel = KernelKills(self._memory_bytes)
            self._kernel.look(time.monotonic(), [])
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Hands out the evaluator, and has the workers start."""
        settings = self._settings
        local = self._session is not None and settings.ray_address is None
        if self._session is not None and (ended := self._session.ended(at_once=True)):
            self._session.restart(ended)  # handing out to a raylet that is gone would end this process
        self._evaluator = ray_cluster.handed_out(self._given, settings)
        self._actor: Any = self._ray.remote(RayWorker).options(
            num_cpus=settings.cpus_per_trial,
            num_gpus=settings.gpus_per_trial,
            max_concurrency=4,
            max_restarts=0,
            **({} if local else ray_cluster.environment(settings)),
        )
        for worker in self._workers:
            self._hire(worker)

    def _hire(self, worker: Worker) -> None:
        """A fresh actor in the worker's place."""
        worker.actor = self._actor.remote(self._evaluator, self._memory_bytes)
        worker.name, worker.ready = f"worker {worker.index}", worker.actor.ready.remote()
        worker.hired = time.monotonic()

    def _retire(self, worker: Worker) -> None:
        """Ends the actor; the next trial in its place has a fresh one."""
        if worker.actor is not None:
            self._ray.kill(worker.actor)
        worker.forget()

    @property
    def slots(self) -> int:
        return len(self._workers)

    @property
    def free(self) -> int:
        idle = sum(worker.task is None for worker in self._workers)
        return max(0, idle - len(self._again))

    def submit(self, candidate: Candidate) -> None:
        """Starts a trial, on a worker that no cancelled trial is leaving, if there is one."""
        if not self.free:
            raise RunError(f"trial {candidate.number}: no slot is free")
        self._start(self._idle()[0], Task(candidate))

    def _idle(self) -> list[Worker]:
        """Workers without a trial; those that a cancelled one is leaving, and those that are not up, come last."""
        idle = [worker for worker in self._workers if worker.task is None]
        return sorted(idle, key=lambda worker: (not worker.up, worker.leaving))

    def _start(self, worker: Worker, task: Task) -> None:
        """Gives the trial to the worker, which begins it when it is up."""
        if worker.actor is None:
            self._hire(worker)
        self._tickets += 1
        task.ticket, worker.task = self._tickets, task
        task.started = time.monotonic()
        worker.run = worker.heard = None
        if worker.up:
            self._run(worker, task)

    def _run(self, worker: Worker, task: Task) -> None:
        task.started = time.monotonic()
        task.clock = max(task.started, worker.leaving)
        worker.run = worker.actor.run.remote(task.ticket, task.candidate, task.again)

    def _move(self) -> None:
        """Trials whose workers are not up, for want of a place perhaps, go to those that are and have none."""
        for worker in self._workers:
            if worker.task is not None and not worker.up:
                better = self._idle()
                if not better or not better[0].up:
                    return
                task, worker.task = worker.task, None
                self._start(better[0], task)

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Events since the last call, as the protocol says.

        Raises RunError where no worker is left, or the machine has failed trials for longer than patience lasts.
        """
        if self._over is not None:
            raise self._over
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._begin_again()
            # Where nothing runs, workers that are starting are not waited for.
            events = self._collect(time.monotonic() if self.free == self.slots else deadline)
            if events or self.free == self.slots:
                return events
            if deadline is not None and time.monotonic() >= deadline:
                return []

    def _begin_again(self) -> None:
        """Starts the waiting trials whose time has come, where there are workers for them."""
        moment = time.monotonic()
        for task in [task for task in self._again if task.due <= moment]:
            idle = self._idle()
            if not idle:
                return
            self._again.remove(task)
            self._start(idle[0], task)

    def _collect(self, deadline: float | None) -> list[Event]:
        """Waits until an answer, the deadline or a trial's time is there, and handles what came."""
        now = time.monotonic()
        ends = [] if deadline is None else [deadline]
        if self._session is not None:
            if ended := self._session.ended():
                return self._start_anew(ended)
            ends.append(now + _LOOK_SECONDS)
        if len(self._again) <= sum(worker.task is None for worker in self._workers):
            ends += [task.due for task in self._again]
        self._move()
        if now >= self._looked + _LOOK_SECONDS:
            self._looked = now
            asked = [worker.hired for worker in self._workers if worker.ready is not None]
            self._places.look(asked, len(self._workers), now)
            self._kernel.look(now, [worker.pid for worker in self._workers if worker.up and worker.pid])
        refs: dict[Any, Worker] = {}
        for worker in self._workers:
            task = worker.task
            if worker.ready is not None:
                refs[worker.ready] = worker
            if task is None or worker.run is None:
                continue
            refs[worker.run] = worker
            if worker.heard is None and now >= task.started + _LISTEN_AFTER_SECONDS:
                worker.heard = worker.actor.listen.remote(task.ticket)
            if worker.heard is None:
                ends.append(task.started + _LISTEN_AFTER_SECONDS)
            else:
                refs[worker.heard] = worker
            limit = self._pace.seconds(task.candidate)
            if limit is not None:
                ends.append(task.clock + limit)
        wait = max(0.0, min(ends) - now) if ends else None
        if not refs:
            time.sleep(wait or 0.0)
            return []
        answered, rest = self._ray.wait(list(refs), num_returns=1, timeout=wait)
        if answered and len(rest) > _FEW_REFERENCES:
            more, _ = self._ray.wait(rest, num_returns=len(rest), timeout=0)
            answered += more
        events = []
        for ref in answered:
            try:
                events += self._answer(refs[ref], ref)
            except RunError as error:
                # What the other workers have answered is not lost: the next poll raises.
                self._over = error
        if self._over is not None and not events:
            raise self._over
        return events + self._overdue_events()

    def _answer(self, worker: Worker, ref: Any) -> list[Event]:
        """The events in an answer to one of the worker's calls: it is up, it has news, or its trial has ended."""
        if ref is worker.ready:
            return self._up(worker)
        task = worker.task
        if task is None or ref not in (worker.run, worker.heard):
            return []  # an earlier answer of this round has settled it
        try:
            heard = self._ray.get(worker.heard) if worker.heard is not None else (worker.name, [], False)
            over = ref is worker.run or heard[2] or any(isinstance(m, Failure | Fault) for m in heard[1])
            last = self._ray.get(worker.run) if over else (heard[0], [], False)
        # A death, an evaluator or a result that cannot be unpickled, Ray's own errors.
        except Exception as error:
            return self._failed(worker, error)
        if last is None:
            # The cancelled trial before this one has not left its worker.
            self._retire(worker)
            self._start(worker, task)
            return []
        worker.name, worker.heard = last[0], None
        messages = [*heard[1], *last[1]]
        events = events_of(task.candidate.number, messages, over, worker.name)
        self._learn(worker, task, events)
        fault = fault_in(messages)
        if fault is not None:
            return events + self._lost(worker, task, fault)
        if over:
            worker.task = worker.run = None
            worker.leaving = 0.0
        else:
            worker.heard = worker.actor.listen.remote(task.ticket)
        return events

    def _up(self, worker: Worker) -> list[Event]:
        """The worker has started, or never will; its trial, if it has one, begins."""
        try:
            worker.name = self._ray.get(worker.ready)
        except Exception as error:
            return self._failed(worker, error)
        worker.ready = None
        if worker.task is not None:
            self._run(worker, worker.task)
        return []

    def _failed(self, worker: Worker, error: Exception) -> list[Event]:
        """What becomes of the worker and its trial after an error of Ray."""
        if self._session is not None and (ended := self._session.ended(at_once=True)):
            return self._start_anew(ended)
        if worker.task is None:
            self._retire(worker)
            return []
        cause = cause_of_loss(error, self._memory_bytes)
        here = worker.pid is not None or self._settings.ray_address is None
        if here and is_death(error, cause):
            cause = self._kernel.cause(worker.pid, cause)
        return self._lost(worker, worker.task, cause)

    def _start_anew(self, ended: str) -> list[Event]:
        """A local Ray of which a process has ended is started anew, and what ran begins again."""
        assert self._session is not None
        tasks = [worker.task for worker in self._workers if worker.task is not None]
        for worker in self._workers:
            worker.forget()
        self._session.restart(ended)
        self._begin()
        self._again += tasks
        return [Event(task.candidate.number, restarted=f"Ray's {ended} has ended") for task in tasks]

    def _learn(self, worker: Worker, task: Task, events: list[Event]) -> None:
        """Takes note of what a trial's events say of its worker and of the time that trials take."""
        for event in events:
            if event.measurement is not None:
                worker.measured, worker.faults = True, 0
                self._pace.measured(task.candidate, event.measurement.epoch, time.monotonic() - task.clock)
        if events and (events[-1].done or events[-1].failure):
            worker.faults = 0
            self._endurance.ended()

    def _lost(self, worker: Worker, task: Task, cause: Failure | Fault) -> list[Event]:
        """A trial that its worker or the machine failed waits to be begun again, or ends with the reason."""
        name, number, moment = worker.name, task.candidate.number, time.monotonic()
        unproven = not worker.measured
        if self._session is not None and (isinstance(cause, Fault) or cause.status is Status.DIED):
            self._session.went_wrong()
        if isinstance(cause, Fault) and cause.blame is Blame.MACHINE:
            pause = self._endurance.fault(moment, task.started, number, name, cause.reason)
            return self._wait(worker, task, cause.reason, moment + pause)
        if isinstance(cause, Fault):
            events = self._wait(worker, task, cause.reason, moment)
        elif cause.status is Status.DIED and task.attempts <= self._retries:
            task.attempts += 1
            events = self._wait(worker, task, cause.reason, moment)
        else:
            self._retire(worker)
            tries = f" ({task.attempts} attempts)" if task.attempts > 1 else ""
            reason = cause.reason if cause.status is Status.FAILED else f"{name} {cause.reason}{tries}"
            events = [Event(number, failure=Failure(cause.status, reason), worker=name)]
        if unproven and (isinstance(cause, Fault) or cause.status is Status.DIED):
            self._blame(worker, name, cause.reason)
        return events

    def _wait(self, worker: Worker, task: Task, reason: str, due: float) -> list[Event]:
        """The trial leaves its worker and is begun again at ``due``, wherever there is room then."""
        name = worker.name
        self._retire(worker)
        task.again, task.due = True, due
        self._again.append(task)
        return [Event(task.candidate.number, restarted=f"{name} {reason}", worker=name)]

    def _blame(self, worker: Worker, name: str, reason: str) -> None:
        """Counts a trial that the worker failed before it measured anything; closes the worker after a few in a row."""
        worker.faults += 1
        if worker.faults < FEW:
            return
        self._workers.remove(worker)
        said = f"{name} {reason}; it failed {FEW} trials in a row before it had measured anything"
        if not self._workers:
            raise RunError(f"workers: none is left: {said}")
        self._say(f"{said} and gets no more; {len(self._workers)} workers are left")

    def _overdue_events(self) -> list[Event]:
        events = []
        for worker in list(self._workers):
            task = worker.task
            limit = None if task is None or worker.ready is not None else self._pace.seconds(task.candidate)
            if task is None or limit is None or time.monotonic() < task.clock + limit:
                continue
            name, number = worker.name, task.candidate.number
            worker.end_process()
            if self._pace.limit is None and task.attempts <= self._retries:
                task.attempts += 1
                events += self._wait(worker, task, f"gave no answer for {limit:.0f} s", time.monotonic())
                self._say(
                    f"trial {number}: {events[-1].restarted}, it seems to hang; the trial is begun again"
                )
            else:
                self._retire(worker)
                events.append(Event(number, failure=timed_out(limit), worker=name))
        return events

    def cancel(self, number: int) -> None:
        """Has the actor set the trial's flag; a worker that the trial does not leave is replaced by the next one."""
        self._again = [task for task in self._again if task.candidate.number != number]
        for worker in self._workers:
            if worker.task is not None and worker.task.candidate.number == number:
                if worker.run is not None:
                    worker.actor.cancel.remote(worker.task.ticket)
                    worker.leaving = time.monotonic() + GRACE_SECONDS
                worker.run = worker.heard = worker.task = None

    def close(self) -> None:
        if self._session is not None:
            self._session.close()  # and what runs with it
        else:
            for worker in self._workers:
                self._retire(worker)
        self._session, self._workers, self._again = None, [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
