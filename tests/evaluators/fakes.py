"""Evaluators that misbehave on request, importable by worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evaluators.evaluator import Candidate, Diverged, Evaluator, Measurement, NoRoom, StopFlag

_RUNNING: dict[int, list[int]] = {}


@dataclass(frozen=True)
class Fake(Evaluator):
    """Yields ``epochs`` measurements, ``pause`` seconds apart, and after the first does what ``do`` says.

    All three are the candidate's decisions. ``extra["running"]`` are the trials that run on this evaluator in this
    process.
    """

    folder: str = ""

    def describe(self) -> dict[str, Any]:
        return {"evaluator": "fake"}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        action = candidate.decisions.get("do", "work")
        pause = candidate.decisions.get("pause", 0.0)
        running = _RUNNING.setdefault(id(self), [])
        running.append(candidate.number)
        try:
            for epoch in range(1, candidate.decisions.get("epochs", 2) + 1):
                time.sleep(pause)
                stop.check()
                extra = {"running": list(running)}
                yield Measurement(epoch, candidate.number + epoch / 100, 1.0 / epoch, pause * epoch, extra)
                if action != "work":
                    getattr(self, f"_{action}")(candidate, stop)
        finally:
            running.remove(candidate.number)

    def _raise(self, candidate: Candidate, stop: StopFlag) -> None:
        raise ValueError("an odd\nlayer")

    def _diverge(self, candidate: Candidate, stop: StopFlag) -> None:
        raise Diverged("the training loss became nan in epoch 1")

    def _exit(self, candidate: Candidate, stop: StopFlag) -> None:
        raise SystemExit(3)

    def _die(self, candidate: Candidate, stop: StopFlag) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _die_once(self, candidate: Candidate, stop: StopFlag) -> None:
        mark = Path(self.folder) / f"died-{candidate.number}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _ignore(self, candidate: Candidate, stop: StopFlag) -> None:
        """Looks at no flag, and can be killed only with its process."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.05)

    def _hang(self, candidate: Candidate, stop: StopFlag) -> None:
        time.sleep(3600)

    def _spin(self, candidate: Candidate, stop: StopFlag) -> None:
        while not stop.is_set():
            time.sleep(0.01)

    def _hog(self, candidate: Candidate, stop: StopFlag) -> None:
        np.ones(2**44, dtype=np.uint8)  # 16 TiB

    def _grow(self, candidate: Candidate, stop: StopFlag) -> None:
        kept = []
        while True:
            kept.append(np.ones(2**24, dtype=np.uint8))


@dataclass(frozen=True)
class Faulty(Fake):
    """Fails before it measures anything where a file of ``folder`` says so: ``broken`` every network, ``full`` for lack of
    room, ``odd`` only the one of trial 0."""

    def _there(self, name: str) -> bool:
        return (Path(self.folder) / name).exists()

    def probe(self) -> None:
        if self._there("broken"):
            raise FileNotFoundError("no images here")

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        if self._there("full"):
            raise NoRoom("training needs about 900 MiB, 7 MiB are free now")
        if self._there("broken") or (self._there("odd") and candidate.number == 0):
            raise ValueError("no such layer")
        yield from super().evaluate(candidate, stop)


@dataclass(frozen=True)
class Unloadable(Fake):
    """Cannot be unpickled by a worker: a package of it is missing, or, where it ``kills``, the process ends."""

    kills: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _fail_to_load, (self.kills,)


def _fail_to_load(kills: bool) -> None:
    if kills:
        os.kill(os.getpid(), signal.SIGKILL)
    raise ImportError("no package of that name")


@dataclass(frozen=True)
class Unpicklable(Evaluator):
    """Its measurements cannot travel."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        yield Measurement(1, 0.5, None, 0.0, {"lock": __import__("threading").Lock()})


@dataclass(frozen=True)
class Instant(Fake):
    """Answers at once."""

    instant: ClassVar[bool] = True
