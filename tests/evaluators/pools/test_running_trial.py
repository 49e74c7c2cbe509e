"""One trial while other threads listen to it and cancel it, at whatever moment."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from evaluators.evaluator import Candidate, Evaluator, Failure, Measurement, StopFlag, Stopped
from evaluators.pools.running_trial import GRACE_SECONDS, RunningTrial


class Endless(Evaluator):
    """Measures as fast as it can."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        epoch = 0
        while True:
            epoch += 1
            yield Measurement(epoch, 0.5, None, 0.0)


class Checking(Endless):
    """Measures nothing, and raises Stopped once its flag is set."""

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        while True:
            stop.check()
            yield from ()


class Failing(Endless):
    """Fails on its way out."""

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        try:
            while True:
                stop.check()
                yield from ()
        except Stopped:
            raise ValueError("on the way out") from None


class Short(Endless):
    """Ends by itself, or fails, after a few measurements."""

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        for epoch in range(1, 4):
            yield Measurement(epoch, 0.5, None, 0.0)
        if candidate.number % 2:
            raise ValueError("odd")


@pytest.fixture(autouse=True)
def fast_switching() -> Iterator[None]:
    """Threads take turns every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def started(evaluator: Evaluator, number: int = 0) -> tuple[RunningTrial, threading.Thread]:
    trial = RunningTrial(evaluator, Candidate(number, {}, "key", None, 0))
    thread = threading.Thread(target=trial.run, daemon=True)
    thread.start()
    return trial, thread


@pytest.mark.parametrize("kind", [Endless, Checking, Failing, Short])
def test_a_cancelled_trial_always_ends_and_its_listeners_hear_of_it(kind: type[Endless]) -> None:
    rng = random.Random(0)
    for number in range(150):
        trial, thread = started(kind(), number)
        heard = threading.Thread(target=_listen, args=(trial,), daemon=True)
        heard.start()
        time.sleep(rng.random() * 0.001)
        cancelling = [threading.Thread(target=trial.cancel, daemon=True) for _ in range(2)]
        for other in cancelling:
            other.start()
        for other in (thread, heard, *cancelling):
            other.join(10)
            assert not other.is_alive()
        assert trial.leaves() and trial.take()[1]


@pytest.mark.parametrize("kind", [Checking, Failing])
def test_how_a_cancelled_trial_ends_is_no_message(kind: type[Endless]) -> None:
    trial, thread = started(kind())
    trial.cancel()
    thread.join(10)
    assert trial.take() == ([], True)


def _listen(trial: RunningTrial) -> None:
    while not trial.take()[1]:
        pass


def test_the_grace_period_counts_from_the_first_cancellation() -> None:
    trial = RunningTrial(Endless(), Candidate(0, {}, "key", None, 0))
    before = time.monotonic()
    trial.cancel()
    first = trial.latest_end()
    assert before + GRACE_SECONDS <= first <= time.monotonic() + GRACE_SECONDS
    trial.cancel()
    assert trial.latest_end() == first
    assert not trial.take(0)[1]  # nobody ran it


def test_several_listeners_share_the_messages_and_all_hear_of_the_end() -> None:
    for number in (0, 1):
        trial, thread = started(Short(), number)
        thread.join(10)
        (first, over), (rest, again) = trial.take(), trial.take()
        assert over and again and rest == []
        assert [m.epoch for m in first if isinstance(m, Measurement)] == [1, 2, 3]
        assert isinstance(first[-1], Failure) is bool(number)


def test_a_trial_cancelled_before_it_starts_measures_nothing() -> None:
    trial = RunningTrial(Endless(), Candidate(0, {}, "key", None, 0))
    assert trial.take(0.01) == ([], False)
    trial.cancel()
    trial.run()
    assert trial.take() == ([], True)
