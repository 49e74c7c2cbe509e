"""One trial under hostile timing: listened to and cancelled from other threads, at any of its instructions."""

from __future__ import annotations

import gc
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from evaluators.evaluator import Candidate, Failure, Measurement
from evaluators.trial import Trial


class Endless:
    """Measures as fast as it can."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        epoch = 0
        while True:
            epoch += 1
            yield Measurement(epoch, 0.5, None, 0.0)


class Deaf(Endless):
    """Swallows whatever is raised in it."""

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        epoch = 0
        while True:
            epoch += 1
            with suppress(BaseException):
                time.sleep(0.001)
            with suppress(BaseException):
                time.sleep(0.001)
            yield Measurement(epoch, 0.5, None, 0.0)


class Short(Endless):
    """Ends by itself, or fails, after a few measurements."""

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        for epoch in range(1, 4):
            yield Measurement(epoch, 0.5, None, 0.0)
        if candidate.number % 2:
            raise ValueError("odd")


@pytest.fixture(autouse=True)
def fast_switching() -> Iterator[None]:
    """Threads take turns every few instructions.

    No garbage is collected meanwhile: Hypothesis looks on in a callback, and reports what is raised in it.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    gc.disable()
    yield
    gc.enable()
    sys.setswitchinterval(before)


def started(evaluator: Any, number: int = 0) -> tuple[Trial, threading.Thread]:
    trial = Trial(evaluator, Candidate(number, {}, "key", None, 0))
    thread = threading.Thread(target=trial.run, daemon=True)
    thread.start()
    return trial, thread


@pytest.mark.parametrize("kind", [Endless, Short])
def test_a_cancelled_trial_always_ends_and_its_listeners_hear_of_it(kind: type[Endless]) -> None:
    rng = random.Random(0)
    for number in range(300):
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
        assert trial.wait(0) and trial.take()[1]


def test_a_cancellation_that_is_swallowed_takes_effect_at_the_next_measurement() -> None:
    for _ in range(20):
        trial, thread = started(Deaf())
        time.sleep(0.005)
        trial.cancel()
        thread.join(10)
        assert not thread.is_alive() and trial.take()[1]


def _listen(trial: Trial) -> None:
    while not trial.take()[1]:
        pass


def test_nothing_is_raised_in_the_thread_once_the_trial_has_ended() -> None:
    """A worker's thread goes on to the next trial: a late cancellation must not hit that one."""
    outcomes: list[BaseException | None] = []

    def work(trial: Trial) -> None:
        try:
            trial.run()
            for _ in range(200):
                pass
            outcomes.append(None)
        except BaseException as error:
            outcomes.append(error)

    rng = random.Random(1)
    for number in range(300):
        trial = Trial(Short(), Candidate(number, {}, "key", None, 0))
        thread = threading.Thread(target=work, args=(trial,))
        thread.start()
        if rng.random() < 0.8:
            time.sleep(rng.random() * 0.0003)
        trial.cancel()
        thread.join(10)
    assert outcomes == [None] * 300


def test_several_listeners_share_the_messages_and_all_hear_of_the_end() -> None:
    for number in (0, 1):
        trial, thread = started(Short(), number)
        thread.join(10)
        (first, over), (rest, again) = trial.take(), trial.take()
        assert over and again and rest == []
        assert [m.epoch for m in first if isinstance(m, Measurement)] == [1, 2, 3]
        assert isinstance(first[-1], Failure) is bool(number)


def test_a_trial_cancelled_before_it_starts_measures_nothing() -> None:
    trial = Trial(Endless(), Candidate(0, {}, "key", None, 0))
    assert trial.take(0.01) == ([], False)
    trial.cancel()
    trial.run()
    assert trial.take() == ([], True)
