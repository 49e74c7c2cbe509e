"""A pool that answers in an order of its own choosing, and searches made of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from evaluators.evaluator import (
    ONE_LEVEL,
    Candidate,
    Evaluator,
    Failure,
    FidelitySchedule,
    Measurement,
    StopFlag,
)
from evaluators.pools.protocol import Event
from results.trial_result import TrialResult
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.space_statistics import check_budgets
from search.trial_store import MemoryTrialStore
from space.search_space import Decision, Option, SearchSpace

FLAT = SearchSpace("flat", tuple(Decision(f"d{i}", (1, 2, 3)) for i in range(5)))
CONDITIONAL = SearchSpace(
    "conditional",
    (
        Decision("depth", (0, 1, 2)),
        Decision("kind", ("a", "b"), "depth", (1, 2)),
        Decision("a.size", (3, 5, 7, 9), "kind", ("a",)),
        Decision("a.wide", (False, True), "kind", ("a",)),
        Decision("b.ratio", (0.25, 0.5), "kind", ("b",)),
        Decision("width", (8, 16, 24, 32)),
    ),
)


class Priced(Evaluator):
    """Knows the costs of spaces without architectures: the sum of all numbers among the options, as MACs."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        raise AssertionError("the pool answers, this evaluator is never asked")

    def costs(self, decisions: Mapping[str, Option]) -> dict[str, float]:
        numbers = [float(v) for v in decisions.values() if not isinstance(v, str)]
        return {"macs": sum(numbers), "params": float(len(numbers))}


def accuracy_of(candidate: Candidate) -> float:
    """Rises with the options, with noise that is a function of the network."""
    numbers = [float(v) for v in candidate.decisions.values() if not isinstance(v, str)]
    return min(0.99, 0.3 + 0.01 * sum(numbers) + 0.05 * random.Random(candidate.stream).random())


class ShufflingPool:
    """``slots`` candidates at once, answered in an order drawn from ``seed``; counts what was submitted.

    ``answer`` gives an accuracy, a list of them (one for each epoch) or a Failure.
    """

    def __init__(
        self,
        answer: Callable[[Candidate], float | list[float] | Failure] = accuracy_of,
        slots: int = 1,
        seed: int = 0,
        stop_after: int | None = None,
    ) -> None:
        self._answer, self.slots, self._rng, self._stop = answer, slots, random.Random(seed), stop_after
        self._running: dict[int, tuple[Candidate, list[float] | Failure, int]] = {}
        self.submitted: list[Candidate] = []
        self.cancelled: list[int] = []

    @property
    def free(self) -> int:
        return self.slots - len(self._running)

    def submit(self, candidate: Candidate) -> None:
        assert self.free > 0
        answer = self._answer(candidate)
        self._running[candidate.number] = (
            candidate,
            answer if isinstance(answer, (list, Failure)) else [answer],
            0,
        )
        self.submitted.append(candidate)

    def poll(self, timeout: float | None = None) -> list[Event]:
        if self._stop is not None and len(self.submitted) > self._stop:
            raise KeyboardInterrupt
        number = self._rng.choice(list(self._running))
        candidate, answer, epoch = self._running[number]
        if isinstance(answer, Failure):
            del self._running[number]
            return [Event(number, failure=answer, worker="fake")]
        if epoch == len(answer):
            del self._running[number]
            return [Event(number, done=True, worker="fake")]
        self._running[number] = (candidate, answer, epoch + 1)
        return [Event(number, measurement=Measurement(epoch + 1, answer[epoch], None, 0.01), worker="fake")]

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)
        del self._running[number]

    def close(self) -> None:
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def search(
    space: SearchSpace,
    settings: SearchSettings,
    pool: ShufflingPool | None = None,
    store: Any = None,
    fidelity: dict[str, Any] | None = None,
) -> list[TrialResult]:
    """Runs a search (to KeyboardInterrupt, if the pool stops it) and returns its results."""
    store = MemoryTrialStore() if store is None else store
    cache = CandidateCache(space, settings.budgets, Priced())
    feasible_fallback = check_budgets(cache, settings.seed)
    loop = Loop(
        settings,
        cache,
        make_sampler(space, settings),
        pool or ShufflingPool(),
        store,
        fidelity=fidelity,
        schedule=FidelitySchedule(fidelity["epochs"]) if fidelity else ONE_LEVEL,
        feasible_fallback=feasible_fallback,
    )
    with suppress(KeyboardInterrupt):
        loop.run()
    return list(store.results())


def decisions_of(trials: Sequence[TrialResult]) -> list[dict[str, Any]]:
    """The decisions of each trial, in order: what was searched, without what came of it."""
    return [trial.decisions for trial in trials]
