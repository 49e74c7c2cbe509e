"""The one search loop: ask, look up, check budgets, reuse or measure, store, tell; and measure the best again.

Results are told in order of the trials' numbers, and suggestion n is made when exactly the trials up to
n − window have been told. So what is suggested does not depend on the workers' timing, nor on whether the
search was stopped in between: stored trials are replayed through the same two steps.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluators.evaluator import ONE_LEVEL, Candidate, FidelitySchedule, Measurement
from evaluators.pools.protocol import Event, Pool
from results.trial_result import MEASURED, Status, TrialResult
from search.candidate_cache import CandidateCache, DecodedCandidate
from search.progress import Progress
from search.pruning.registry import make_rule
from search.repeats.rule import RepeatRule
from search.samplers.protocol import Sampler
from search.settings import SearchSettings
from search.stock import StockCandidate
from search.suggestion import Exhausted, Suggestions
from search.trial_store import TrialStore, now
from space.codec import from_dict, to_dict
from space.errors import RunError

_UNKNOWN = TrialResult(number=-1)
"""A trial of which nothing is known: copying it is several times faster than making one of its many fields."""


@dataclass(frozen=True)
class _Ending:
    """How a measurement ended."""

    status: Status
    error: str | None = None


@dataclass
class _Measuring:
    """A trial under measurement."""

    trial: TrialResult
    seen: dict[int, Measurement] = field(default_factory=dict)
    earlier: dict[int, Measurement] = field(default_factory=dict)
    """What a worker that died had measured: the pruner may go by it."""
    worker: str = ""
    begun: float = field(default_factory=time.monotonic)
    ending: _Ending | None = None
    """Of a trial that has ended, but may yet lose at a step it has passed."""

    @property
    def last(self) -> Measurement | None:
        return next(reversed(self.seen.values()), None)


class Loop:
    """Runs one search to its end; ``run`` may be called once.

    ``fidelity`` is stored with every result, and the pruner is made for trials of ``schedule``. ``report`` is called
    with the progress whenever a trial starts, measures or ends. The first trials measure the ``stock`` networks. The sampler knows
    only those that are of its space, and its trials have numbers without the others: it proposes what it would without them.
    """

    def __init__(
        self,
        settings: SearchSettings,
        cache: CandidateCache,
        sampler: Sampler,
        pool: Pool,
        store: TrialStore,
        *,
        fidelity: Mapping[str, Any] | None = None,
        schedule: FidelitySchedule = ONE_LEVEL,
        report: Callable[[Progress], None] = lambda progress: None,
        feasible_fallback: DecodedCandidate | None = None,
        stock: Sequence[StockCandidate] = (),
    ) -> None:
        self._settings, self._cache, self._sampler = settings, cache, sampler
        self._stock = stock
        self._outside: list[int] = []
        """Trials of networks that are none of the space, in order."""
        self._pool, self._store, self._report = pool, store, report
        self._fidelity = dict(fidelity or {})
        self._suggestions = Suggestions(settings.seed, cache, sampler, feasible_fallback)
        self._trials: list[TrialResult] = store.results()
        self._measured_by: dict[str, int] = {}
        self._measuring: dict[int, _Measuring] = {}
        self._waiting: dict[int, list[int]] = {}
        self._told = 0
        self._rule = make_rule(settings.pruner, schedule)
        self._repeats = None if settings.repeats == 0 else RepeatRule(settings, cache.measurements)
        self._repeat: dict[int, int] = {}
        self._times: dict[int, int] = {}
        self.progress = Progress(
            settings.trials,
            settings.objective.merit,
            max_seconds=settings.max_seconds,
            max_epochs=settings.max_epochs,
        )
        self._unfinished: list[TrialResult] = []

    def run(self) -> Progress:
        """Works until the asked number of rows is finished or a limit ends the search; returns where it stands.

        KeyboardInterrupt passes through after running trials have been stored as waiting.
        """
        started = time.monotonic()
        try:
            self._replay()
            while True:
                self.progress.seconds = time.monotonic() - started
                self._fill()
                self.progress.running = len(self._measuring)
                if not self._measuring:
                    break
                for event in self._pool.poll(1.0):
                    self._take(event)
                self._store.tick()
            self._store.settle()
            self.progress.seconds = time.monotonic() - started
            self._report(self.progress)
        except BaseException:
            self._release()
            raise
        return self.progress

    def _replay(self) -> None:
        """Brings the sampler to where the stored trials had it; queues the unfinished ones."""
        for trial in self._trials:
            self._tell_before(trial.number)
            self._begin(trial)
            if trial.status.finished:
                self.progress.count(trial)
                self._learn(trial)
            elif trial.number < self._settings.trials:
                self._unfinished.append(trial)

    def _fill(self) -> None:
        """Starts as many trials as there are free workers for."""
        while self._unfinished and self._pool.free > 0:
            trial = self._unfinished.pop(0).replace(status=Status.RUNNING, started=now())
            self._store.restart(trial)
            self._trials[trial.number] = trial
            self._dispatch(trial)
        while not self._unfinished and self._pool.free > 0 and not self._ended():
            number = len(self._trials)
            if number >= len(self._stock) and self._looks_back(number) and not self._due(number):
                return
            try:
                trial = self._ask(number)
            except Exhausted as reason:
                self.progress.stopped = str(reason)
                return
            self._store.start(trial)
            self._trials.append(trial)
            self._dispatch(trial)

    def _ended(self) -> bool:
        """Whether nothing new is to be started, and why."""
        s, p = self._settings, self.progress
        if s.max_failures is not None and p.failed >= s.max_failures:
            raise RunError(f"max_failures: {p.failed} trials have failed; the last: {self._last_error()}")
        if s.max_seconds is not None and p.seconds >= s.max_seconds:
            p.stopped = f"max_seconds {s.max_seconds:g} reached"
        elif s.max_epochs is not None and p.epochs >= s.max_epochs:
            p.stopped = f"max_epochs {s.max_epochs} reached"
        return p.stopped is not None or len(self._trials) >= s.trials

    def _last_error(self) -> str:
        errors = [f"{t.status}: {t.error}" for t in self._trials if t.status.failed]
        return str(errors[-1])

    def _looks_back(self, number: int) -> bool:
        """Whether suggestion ``number`` depends on results."""
        return self._sampler.learns or (self._repeats is not None and self._repeats.needs(number))

    def _due(self, number: int) -> bool:
        """Whether everything that suggestion ``number`` is made from has finished."""
        needed = self._trials[self._told : max(0, number - self._settings.window + 1)]
        return all(trial.status.finished for trial in needed)

    def _ask(self, number: int) -> TrialResult:
        self._tell_before(number)
        repeated = stock = None
        if number < len(self._stock):
            stock, candidate = self._stock[number].name, self._stock[number].candidate
        elif self._repeats is not None and self._repeats.needs(number):
            repeated = self._repeats.next(number)
        if stock is None and repeated is None:
            candidate = self._suggestions.next(self._known_as(number))
        elif repeated is not None:
            candidate = self._measured(self._trials[repeated])
        trial = _UNKNOWN.replace(
            number=number,
            repeat_of=repeated,
            stock=stock,
            decisions=candidate.decisions,
            key=candidate.key,
            architecture=to_dict(candidate.architecture) if candidate.architecture is not None else None,
            costs=candidate.costs,
            started=now(),
        )
        self._begin(trial)
        return trial

    def _measured(self, trial: TrialResult) -> DecodedCandidate:
        """The network of a trial that was measured; one that somebody proposed has no decisions."""
        if not trial.decisions and trial.architecture is not None:
            return DecodedCandidate({}, _key(trial), from_dict(trial.architecture), {**trial.costs})
        known = self._cache.decode(trial.decisions)
        assert known is not None
        return known

    def _begin(self, trial: TrialResult) -> None:
        """Notes a trial that starts now, or started before its search was resumed."""
        if trial.decisions:
            self._suggestions.begin(self._renumbered(trial))
        else:
            self._outside.append(trial.number)
        if self._repeats is not None:
            self._repeats.begin(trial)
        if trial.repeat_of is None:
            self._measured_by.setdefault(_key(trial), trial.number)
        else:
            self._times[trial.repeat_of] = self._times.get(trial.repeat_of, 0) + 1
            self._repeat[trial.number] = self._times[trial.repeat_of]

    def _tell_before(self, number: int) -> None:
        """Tells the results that suggestion ``number`` is made from, in order."""
        while self._told <= number - self._settings.window and self._told < len(self._trials):
            result = self._trials[self._told]
            if not result.status.finished:
                return  # a suggestion that does not depend on results was made before they were there
            self._told += 1
            if self._repeats is not None:
                self._repeats.tell(result)
            if result.decisions:
                self._sampler.tell(self._renumbered(self._as_told(result)))

    def _known_as(self, number: int) -> int:
        """The number of a trial as the sampler counts: without networks that are none of its space."""
        return number - bisect_left(self._outside, number)

    def _renumbered(self, trial: TrialResult) -> TrialResult:
        """The trial with the numbers by which the sampler knows it and the one that it repeats."""
        if not self._outside:
            return trial
        repeat_of = None if trial.repeat_of is None else self._known_as(trial.repeat_of)
        return trial.replace(number=self._known_as(trial.number), repeat_of=repeat_of)

    def _as_told(self, result: TrialResult) -> TrialResult:
        """The result as samplers take it: every value to be maximised, and none of an infeasible or failed trial."""
        if result.repeat_of is not None:
            result = self._averaged(result)
        status = result.status
        if result.feasible is False and not status.failed:
            status = Status.INFEASIBLE
        usable = result.values is not None and (status.complete or status is Status.PRUNED)
        values = self._settings.objective.upwards(result.values or ()) if usable else None
        if status is result.status and values == result.values:
            return result
        return result.replace(status=status, values=values)

    def _averaged(self, repeat: TrialResult) -> TrialResult:
        """A repeat with the mean score of its network so far, also where it lost its own measurement to its worker."""
        first = self._trials[repeat.repeat_of or 0]
        score = None if self._repeats is None else self._repeats.score(first.number)
        if score is None or repeat.status in (Status.NAN, Status.OOM):
            return repeat
        values = (score, *(first.values or ())[1:])
        return repeat.replace(status=Status.OK, values=values, feasible=first.feasible)

    def _dispatch(self, trial: TrialResult) -> None:
        """Reuses a cached result, waits for a twin that is under measurement, or measures."""
        original = self._measured_by.get(_key(trial), trial.number)
        if original != trial.number and trial.repeat_of is None:
            if self._trials[original].status.finished:
                self._reuse(trial.number, self._trials[original])
            else:
                self._waiting.setdefault(original, []).append(trial.number)
            return
        if trial.decisions:
            candidate = self._cache.decode(trial.decisions)
            architecture = candidate.architecture if candidate is not None else None
        else:
            assert trial.architecture is not None  # a stock network, or one that somebody proposed
            architecture = from_dict(trial.architecture)
        self._measuring[trial.number] = _Measuring(trial)
        if self._rule is not None and trial.proposed:
            self._rule.begin(trial.number, max(0, trial.number - self._settings.window + 1))
        seed, repeat = self._settings.seed, self._repeat.get(trial.number, 0)
        self._pool.submit(Candidate(trial.number, trial.decisions, _key(trial), architecture, seed, repeat))
        self.progress.running = len(self._measuring)
        self._report(self.progress)

    def _reuse(self, number: int, original: TrialResult) -> None:
        """Ends trial ``number`` with what was measured of the same network."""
        trial = self._trials[number]
        self._finish(
            original.replace(
                number=number,
                decisions=trial.decisions,
                architecture=trial.architecture,
                costs=trial.costs,
                status=Status.REUSED if original.status.complete else original.status,
                measured_by=original.number,
                stock=trial.stock,
                seconds=0.0,
                started=trial.started,
                finished=now(),
            )
        )

    def _take(self, event: Event) -> None:
        run = self._measuring.get(event.number)
        if run is None:
            return
        if event.restarted:
            run.earlier |= run.seen
            run.seen.clear()
            self._store.forget(event.number)
            return
        if event.worker:
            run.worker = str(event.worker)
        if event.measurement is not None:
            run.seen[event.measurement.epoch] = event.measurement
        if event.failure is not None:
            run.ending = _Ending(event.failure.status, event.failure.reason)
        elif event.done:
            run.ending = self._ending(run.last)
        measured = event.measurement
        merit = self._merit(measured) if measured is not None else None
        if measured is not None and merit is not None:
            self._store.measured(event.number, measured.epoch, merit)
            if self._rule is not None and run.trial.proposed:
                self._rule.report(event.number, measured.epoch, merit)
        self._settle()
        if event.number in self._measuring:
            self._report(self.progress)

    def _ending(self, last: Measurement | None) -> _Ending:
        """How a measurement that came to its end ended."""
        if last is not None and self._merit(last) is not None:
            return _Ending(Status.OK)
        if last is not None and self._settings.budgets.exceeded(last.extra):
            return _Ending(Status.INFEASIBLE)
        return _Ending(Status.FAILED, f"the evaluator gave no {self._settings.objective.merit}")

    def _merit(self, measured: Measurement) -> float | None:
        """The figure that the search maximises, None where there is no such number."""
        merit = self._settings.objective.merit
        value = measured.accuracy if merit == "accuracy" else measured.extra.get(merit)
        return value if _is_number(value) else None

    def _settle(self) -> None:
        """Ends the trials that have lost, and those that have ended and cannot lose any more."""
        while True:
            lost = self._rule.stops() if self._rule is not None else []
            over = [
                (number, run, run.ending)
                for number, run in self._measuring.items()
                if run.ending and not (self._rule is not None and self._rule.waits(number))
            ]
            for number, step in lost:
                if self._measuring[number].ending is None:
                    self._pool.cancel(number)
                self._end(self._measuring[number], _Ending(Status.PRUNED), step=step)
            for number, run, ending in over:
                if number in self._measuring:
                    self._end(run, ending)
            if not lost and not over:
                return

    def _end(self, run: _Measuring, ending: _Ending, step: int | None = None) -> None:
        """Stores how a measurement ended, and answers its twins; what came after ``step`` counts as cost only."""
        trial = run.trial
        del self._measuring[trial.number]
        self.progress.running = len(self._measuring)
        latest = run.last
        curve = run.seen if step is None else {e: m for e, m in (run.earlier | run.seen).items() if e <= step}
        last = latest if step is None else curve[step]
        extra = dict(last.extra) if last else {}
        costs = dict(trial.costs)
        latency = extra.pop("latency_seconds", costs.get("latency_seconds"))
        if latency is not None:
            costs["latency_seconds"] = latency
        values = None
        merit = self._merit(last) if last is not None else None
        if merit is not None and not ending.status.failed:
            values = self._settings.objective.values(merit, costs)
        declared = {name: extra.pop(name) for name in MEASURED if name in extra}
        extra.pop("epochs", None)
        result = trial.replace(
            status=ending.status,
            error=ending.error,
            values=values,
            curve=tuple(
                (e, value) for e, m in sorted(curve.items()) if (value := self._merit(m)) is not None
            ),
            accuracy=last.accuracy if last and _is_number(last.accuracy) else None,
            loss=last.loss if last and _is_number(last.loss) else None,
            seconds=latest.seconds if latest else time.monotonic() - run.begun,
            epochs=latest.extra.get("epochs", latest.epoch) if latest else 0,
            worker=run.worker,
            fidelity=self._fidelity,
            feasible=not self._settings.budgets.exceeded(costs),
            latency_seconds=latency,
            extra=extra,
            finished=now(),
            **declared,
        )
        self._finish(result)
        for twin in self._waiting.pop(trial.number, ()):
            self._reuse(twin, result)

    def _finish(self, result: TrialResult) -> None:
        self._trials[result.number] = result
        self._store.finish(result)
        self.progress.new += 1
        self.progress.count(result)
        self._learn(result)
        self._report(self.progress)

    def _learn(self, result: TrialResult) -> None:
        """Shows the pruner how a trial that was trained here has ended; it has to do with proposed networks alone."""
        if self._rule is not None and result.measured_by is None and result.proposed:
            self._rule.end(result.number, result.curve, result.status.complete)

    def _release(self) -> None:
        """Stores what is unfinished as waiting, so that nothing stays marked as running."""
        self._store.release([trial for trial in self._trials if trial.status is Status.RUNNING])


def _key(trial: TrialResult) -> str:
    """The network's key; a trial of a search has one."""
    assert trial.key is not None
    return trial.key


def _is_number(value: float | None) -> bool:
    return value is not None and value == value and abs(value) != float("inf")
