"""The one search loop: ask, look up, check budgets, reuse or measure, store, tell.

Results are told in order of the trials' numbers, and suggestion n is made when exactly the trials up to
n − window have been told. So what is suggested does not depend on the workers' timing, nor on whether the
search was stopped in between: stored trials are replayed through the same two steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from evaluators.evaluator import Candidate, Failure, Measurement
from search.catalogue import Catalogue, Network
from search.persistence import Ledger, Row, now
from search.pruning import rule
from search.searcher import Searcher, Told
from search.settings import SearchSettings
from search.suggestion import Exhausted, Suggestions
from space.codec import to_json
from space.errors import RunError


class Event(Protocol):
    """What a pool reports: a measurement, a failure, or that a candidate is done."""

    number: int
    measurement: Measurement | None
    failure: Failure | None
    done: bool
    worker: str
    restarted: str


class Pool(Protocol):
    """Workers that measure candidates (``evaluators.workers``)."""

    @property
    def free(self) -> int:
        """How many candidates can be submitted now."""

    def submit(self, candidate: Candidate) -> None:
        """Starts a measurement."""

    def poll(self, timeout: float) -> list[Any]:
        """Waits up to ``timeout`` seconds for events."""

    def cancel(self, number: int) -> None:
        """Stops a measurement."""


@dataclass
class Progress:
    """Where a search stands. ``seconds`` and ``new`` (finished rows) are of this run, the rest of the study."""

    total: int
    finished: int = 0
    running: int = 0
    reused: int = 0
    pruned: int = 0
    failed: int = 0
    infeasible: int = 0
    epochs: int = 0
    new: int = 0
    seconds: float = 0.0
    best: Row | None = None
    stopped: str | None = None

    @property
    def best_accuracy(self) -> float | None:
        """The highest accuracy of a feasible complete trial."""
        return None if self.best is None else float(self.best.result["accuracy"])

    def count(self, row: Row) -> None:
        """Takes a finished row in."""
        status = row.result.get("status")
        self.finished += 1
        self.reused += status == "reused"
        self.pruned += row.state == "PRUNED" and row.result.get("feasible") is not False
        self.failed += row.state == "FAIL"
        self.infeasible += row.result.get("feasible") is False and row.state != "FAIL"
        if row.result.get("measured_by") is None:
            self.epochs += row.result.get("epochs") or 0
        if row.state == "COMPLETE" and row.result.get("feasible", True):
            accuracy = row.result.get("accuracy")
            if accuracy is not None and (self.best_accuracy is None or accuracy > self.best_accuracy):
                self.best = row


@dataclass
class _Run:
    """A trial under measurement."""

    row: Row
    seen: dict[int, Measurement] = field(default_factory=dict)
    earlier: dict[int, Measurement] = field(default_factory=dict)
    """What a worker that died had measured: the pruner may go by it."""
    worker: str = ""
    begun: float = field(default_factory=time.monotonic)
    over: tuple[str, str, str | None] | None = None
    """State, status and error of a trial that has ended, but may yet lose at a step it has passed."""

    @property
    def last(self) -> Measurement | None:
        return next(reversed(self.seen.values()), None)


class Loop:
    """Runs one search to its end; ``run`` may be called once.

    ``fidelity`` is stored with every result. ``report`` is called with the progress whenever a trial starts,
    measures or ends.
    """

    def __init__(
        self,
        settings: SearchSettings,
        catalogue: Catalogue,
        searcher: Searcher,
        pool: Pool,
        ledger: Ledger,
        *,
        fidelity: Mapping[str, Any] | None = None,
        report: Callable[[Progress], None] = lambda progress: None,
        anchor: Network | None = None,
    ) -> None:
        self._settings, self._catalogue, self._searcher = settings, catalogue, searcher
        self._pool, self._ledger, self._report = pool, ledger, report
        self._fidelity = dict(fidelity or {})
        self._suggestions = Suggestions(settings.seed, catalogue, searcher, anchor)
        self._rows: list[Row] = ledger.rows()
        self._measured_by: dict[str, int] = {}
        self._runs: dict[int, _Run] = {}
        self._waiting: dict[int, list[int]] = {}
        self._told = 0
        ladder = "steps" in self._fidelity
        steps = self._fidelity["steps"] if ladder else self._fidelity.get("epochs") or 1
        self._rule = rule(settings.pruner, int(steps), ladder=ladder)
        self.progress = Progress(settings.trials)
        self._unfinished: list[Row] = []

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
                self.progress.running = len(self._runs)
                if not self._runs:
                    break
                for event in self._pool.poll(1.0):
                    self._take(event)
            self.progress.seconds = time.monotonic() - started
            self._report(self.progress)
        except BaseException:
            self._release()
            raise
        return self.progress

    def _replay(self) -> None:
        """Brings the searcher to where the stored trials had it; queues the unfinished ones."""
        for row in self._rows:
            self._tell_before(row.number)
            self._suggestions.begin(row)
            self._measured_by.setdefault(row.key, row.number)
            if row.finished:
                self.progress.count(row)
                self._learn(row)
            elif row.number < self._settings.trials:
                self._unfinished.append(row)

    def _fill(self) -> None:
        """Starts as many trials as there are free workers for."""
        while self._unfinished and self._pool.free > 0:
            row = replace(self._unfinished.pop(0), state="RUNNING", started=now())
            self._ledger.restart(row)
            self._rows[row.number] = row
            self._dispatch(row)
        while not self._unfinished and self._pool.free > 0 and not self._ended():
            number = len(self._rows)
            if self._searcher.learns and not self._due(number):
                return
            try:
                row = self._ask(number)
            except Exhausted as reason:
                self.progress.stopped = str(reason)
                return
            self._ledger.start(row)
            self._rows.append(row)
            self._measured_by.setdefault(row.key, number)
            self._dispatch(row)

    def _ended(self) -> bool:
        """Whether nothing new is to be started, and why."""
        s, p = self._settings, self.progress
        if s.max_failures is not None and p.failed >= s.max_failures:
            raise RunError(f"max_failures: {p.failed} trials have failed; the last: {self._last_error()}")
        if s.max_seconds is not None and p.seconds >= s.max_seconds:
            p.stopped = f"max_seconds {s.max_seconds:g} reached"
        elif s.max_epochs is not None and p.epochs >= s.max_epochs:
            p.stopped = f"max_epochs {s.max_epochs} reached"
        return p.stopped is not None or len(self._rows) >= s.trials

    def _last_error(self) -> str:
        errors = [r.result.get("error") for r in self._rows if r.state == "FAIL"]
        return str(errors[-1])

    def _due(self, number: int) -> bool:
        """Whether everything that suggestion ``number`` is made from has finished."""
        return all(
            row.finished for row in self._rows[self._told : max(0, number - self._settings.window + 1)]
        )

    def _ask(self, number: int) -> Row:
        self._tell_before(number)
        network = self._suggestions.next(number)
        row = Row(
            number=number,
            decisions=network.decisions,
            key=network.key,
            architecture=to_json(network.architecture) if network.architecture is not None else None,
            costs=network.costs,
            started=now(),
        )
        self._suggestions.begin(row)
        return row

    def _tell_before(self, number: int) -> None:
        """Tells the results that suggestion ``number`` is made from, in order."""
        while self._told <= number - self._settings.window and self._told < len(self._rows):
            row = self._rows[self._told]
            self._told += 1
            self._searcher.tell(self._as_told(row))

    def _as_told(self, row: Row) -> Told:
        state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(row.state, "failed")
        if row.result.get("feasible") is False and state != "failed":
            state = "infeasible"
        known = row.values is not None and state in ("complete", "pruned")
        values = self._settings.objective.upwards(row.values or ()) if known else None
        return Told(row.number, row.decisions, values, state, row.curve)

    def _dispatch(self, row: Row) -> None:
        """Answers from the store, waits for a twin that is under measurement, or measures."""
        original = self._measured_by.get(row.key, row.number)
        if original != row.number:
            if self._rows[original].finished:
                self._reuse(row.number, self._rows[original])
            else:
                self._waiting.setdefault(original, []).append(row.number)
            return
        network = self._catalogue.network(row.decisions)
        architecture = network.architecture if network is not None else None
        self._runs[row.number] = _Run(row)
        if self._rule is not None:
            self._rule.begin(row.number, max(0, row.number - self._settings.window + 1))
        self._pool.submit(Candidate(row.number, row.decisions, row.key, architecture, self._settings.seed))
        self.progress.running = len(self._runs)
        self._report(self.progress)

    def _reuse(self, number: int, original: Row) -> None:
        status = "reused" if original.state == "COMPLETE" else original.result.get("status", "failed")
        result = {**original.result, "status": status, "measured_by": original.number, "seconds": 0.0}
        self._finish(
            replace(
                self._rows[number],
                state=original.state,
                values=original.values,
                curve=original.curve,
                result=result,
                completed=now(),
            )
        )

    def _take(self, event: Event) -> None:
        run = self._runs.get(event.number)
        if run is None:
            return
        if event.restarted:
            run.earlier |= run.seen
            run.seen.clear()
            return
        if event.worker:
            run.worker = str(event.worker)
        if event.measurement is not None:
            run.seen[event.measurement.epoch] = event.measurement
        if event.failure is not None:
            status = "oom" if event.failure.kind == "oom" else "failed"
            run.over = "FAIL", status, f"{event.failure.kind}: {event.failure.reason}"
        elif event.done and run.last is not None and _is_number(run.last.accuracy):
            run.over = "COMPLETE", "ok", None
        elif event.done and run.last is not None and self._settings.budgets.exceeded(run.last.extra):
            run.over = "PRUNED", "infeasible", None
        elif event.done:
            run.over = "FAIL", "failed", "the evaluator gave no accuracy"
        measured = event.measurement
        if self._rule is not None and measured is not None and _is_number(measured.accuracy):
            self._rule.report(event.number, measured.epoch, measured.accuracy)
        self._settle()
        if event.number in self._runs:
            self._report(self.progress)

    def _settle(self) -> None:
        """Ends the trials that have lost, and those that have ended and cannot lose any more."""
        while True:
            lost = self._rule.stops() if self._rule is not None else []
            over = [
                (number, run)
                for number, run in self._runs.items()
                if run.over and not (self._rule is not None and self._rule.waits(number))
            ]
            for number, step in lost:
                if self._runs[number].over is None:
                    self._pool.cancel(number)
                self._end(self._runs[number], "PRUNED", "pruned", step=step)
            for number, run in over:
                if run.over is not None and number in self._runs:
                    self._end(run, *run.over)
            if not lost and not over:
                return

    def _end(
        self, run: _Run, state: str, status: str, error: str | None = None, step: int | None = None
    ) -> None:
        """Stores how a measurement ended, and answers its twins; what came after ``step`` counts as cost only."""
        del self._runs[run.row.number]
        self.progress.running = len(self._runs)
        latest = run.last
        curve = run.seen if step is None else {e: m for e, m in (run.earlier | run.seen).items() if e <= step}
        last = latest if step is None else curve[step]
        extra = dict(last.extra) if last else {}
        costs = dict(run.row.costs)
        latency = extra.pop("latency_seconds", costs.get("latency_seconds"))
        if latency is not None:
            costs["latency_seconds"] = latency
        over = self._settings.budgets.exceeded(costs)
        values = None
        if last is not None and state != "FAIL" and _is_number(last.accuracy):
            values = self._settings.objective.values(last.accuracy, costs)
        result: dict[str, Any] = {
            "accuracy": last.accuracy if last and _is_number(last.accuracy) else None,
            "loss": last.loss if last and _is_number(last.loss) else None,
            "seconds": latest.seconds if latest else time.monotonic() - run.begun,
            "worker": run.worker,
            "fidelity": self._fidelity,
            "status": status,
            "feasible": not over,
            "error": error,
            "latency_seconds": latency,
            "measured_by": None,
            **extra,
            "epochs": latest.extra.get("epochs", latest.epoch) if latest else 0,
        }
        row = replace(
            run.row,
            state=state,
            values=values,
            curve=tuple((e, m.accuracy) for e, m in sorted(curve.items()) if _is_number(m.accuracy)),
            result=result,
            completed=now(),
        )
        self._finish(row)
        for twin in self._waiting.pop(row.number, ()):
            self._reuse(twin, row)

    def _finish(self, row: Row) -> None:
        self._rows[row.number] = row
        self._ledger.finish(row)
        self.progress.new += 1
        self.progress.count(row)
        self._learn(row)
        self._report(self.progress)

    def _learn(self, row: Row) -> None:
        """Shows the pruner how a trial that was trained here has ended."""
        if self._rule is not None and row.result["measured_by"] is None:
            self._rule.end(row.number, row.curve, row.state == "COMPLETE")

    def _release(self) -> None:
        """Stores what is unfinished as waiting, so that nothing stays marked as running."""
        waiting = [row for row in self._rows if row.state == "RUNNING"]
        self._ledger.release(waiting)


def _is_number(value: float | None) -> bool:
    return value is not None and value == value and abs(value) != float("inf")
