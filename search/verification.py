"""The best networks of a study measured again, with fresh seeds: which, how, and where the measurements are kept.

Every network gets the same seeds. A measurement is stored as soon as it has ended; what is stored is not measured again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from evaluators.evaluator import Candidate, Failure, Measurement
from evaluators.pools.protocol import PATIENCE_SECONDS, Pool
from results.attributes import named
from results.trial_result import Status, TrialResult
from results.verified import SUMMARY, FreshMeasurement
from search.lease import Lease
from search.objective import Objective
from search.patience import Outbox
from search.storage import lease_engine, storage_of
from space.architecture import Architecture
from space.codec import from_dict
from space.errors import InputError

_OF_THE_NETWORK = (Status.NAN, Status.OOM)
"""Failures that another try would only repeat."""


@dataclass(frozen=True)
class Contender:
    """A network to be verified: ``score`` is what the search chose it by, ``accuracy`` the search's own measurement.

    ``factor`` turns an accuracy into what is to be highest: 1, or what the network's cost makes of it.
    """

    number: int
    key: str
    decisions: Mapping[str, Any]
    architecture: Architecture | None
    score: float
    accuracy: float
    factor: float = 1.0

    def candidate(self, number: int, seed: int) -> Candidate:
        """The network as a pool takes it, as trial ``number``."""
        return Candidate(number, dict(self.decisions), self.key, self.architecture, seed)


def contenders(trials: Iterable[TrialResult], objective: Objective, top: int) -> list[Contender]:
    """The ``top`` networks with the highest scores, best first; the earlier trial first where scores are equal.

    Only complete trials within budget of networks that were found count, and each network once, with the mean of its measurements. Of several objectives the first decides.
    Raises InputError unless there are two.
    """
    found: dict[str, Contender] = {}
    for trial in trials:
        measured = trial.merit(objective.merit)
        accuracy = measured if trial.accuracy_mean is None else trial.accuracy_mean
        if not trial.status.complete or trial.feasible is False or trial.key is None or accuracy is None:
            continue
        if trial.stock is not None:
            continue
        network = None if trial.architecture is None else from_dict(dict(trial.architecture))
        factor = 1.0 if objective.kind == "accuracy" else objective.factor(trial.costs[objective.cost])
        score = accuracy * factor
        found.setdefault(
            trial.key,
            Contender(trial.number, trial.key, trial.decisions, network, score, accuracy, factor),
        )
    if len(found) < 2:
        wanted = "a study with two networks or more that were measured to the end, within budget"
        raise InputError.of("study", wanted, f"{len(found)}")
    return sorted(found.values(), key=lambda one: (-one.score, one.number))[:top]


def fresh_seeds(own: int, count: int) -> tuple[int, ...]:
    """The ``count`` seeds after the study's ``own``; more of them begin with fewer of them."""
    return tuple(range(own + 1, own + 1 + count))


class VerificationStore:
    """Keeps measurements in the study as its attributes; only one process at a time may write to a study.

    What a database that does not answer cannot take waits in memory (``search.patience``). Raises RunError where another
    process is at work on the study, InputError for a storage that cannot be written.
    """

    def __init__(
        self,
        url: str,
        study: str,
        patience: float = PATIENCE_SECONDS,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._storage = storage_of(url)
        self._study_id = self._storage.get_study_id_from_name(study)
        self._lease = Lease(lease_engine(self._storage), self._study_id, study)
        self._outbox = Outbox(self._storage.url, patience, say)

    def keep(self, measurement: FreshMeasurement) -> None:
        """Stores one measurement, in one transaction, when the database takes it."""
        self._set({measurement.name: measurement.to_json()})

    def conclude(self, summary: Mapping[str, Any]) -> None:
        """Stores what the measurements say, in place of what an earlier verification said; returns when all is stored."""
        self._set({SUMMARY: dict(summary)})
        self._outbox.settle()

    def _set(self, attributes: Mapping[str, Any]) -> None:
        for name, value in named(attributes).items():
            self._outbox.put(partial(self._write, name, value))

    def _write(self, name: str, value: object, again: bool) -> None:
        self._lease.check()
        self._storage.set_study_user_attr(self._study_id, name, value)

    def close(self) -> None:
        """Says that nobody is at work on the study any more, and closes its storage."""
        self._lease.release()
        self._storage.remove_session()
        self._storage.engine.dispose()


@dataclass
class _Running:
    """A network under measurement, and what was measured so far, by level."""

    measurement: FreshMeasurement
    levels: dict[int, Measurement] = field(default_factory=dict)

    def ended(self, merit: str, twice: bool, failure: Failure | None) -> FreshMeasurement:
        """The measurement with what came of it."""
        if failure is not None:
            return replace(self.measurement, error=f"{failure.status}: {failure.reason}")
        first, last = self.levels[min(self.levels)], self.levels[max(self.levels)]
        return replace(
            self.measurement,
            accuracy=_merit(last, merit),
            again=_merit(first, merit) if twice else None,
            seconds=last.seconds,
        )


def measure(
    pool: Pool,
    wanted: Iterable[tuple[Contender, FreshMeasurement]],
    *,
    merit: str,
    twice: bool,
    keep: Callable[[FreshMeasurement], None],
    lost: Callable[[FreshMeasurement], None],
) -> None:
    """Measures all that is ``wanted``; ``keep`` takes each measurement as it ends.

    ``twice`` says that the evaluator measures at the search's own fidelity first. What failed for a reason that has nothing
    to do with the network (a worker died, a timeout) goes to ``lost`` instead: another try may succeed.
    """
    waiting = deque(wanted)
    running: dict[int, _Running] = {}
    number = 0
    while waiting or running:
        while waiting and pool.free > 0:
            network, measurement = waiting.popleft()
            running[number] = _Running(measurement)
            pool.submit(network.candidate(number, measurement.seed))
            number += 1
        for event in pool.poll(1.0):
            run = running[event.number]
            if event.restarted:
                run.levels.clear()
            elif event.measurement is not None:
                run.levels[event.measurement.epoch] = event.measurement
            else:
                del running[event.number]
                failure = event.failure
                ended = run.ended(merit, twice, failure)
                (keep if failure is None or failure.status in _OF_THE_NETWORK else lost)(ended)


def _merit(measured: Measurement, merit: str) -> float:
    return float(measured.accuracy if merit == "accuracy" else measured.extra[merit])
