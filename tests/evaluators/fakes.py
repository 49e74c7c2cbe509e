"""Evaluators that misbehave on request, importable by worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.evaluator import Candidate, Diverged, Measurement


@dataclass(frozen=True)
class Fake:
    """Yields ``epochs`` measurements, ``pause`` seconds apart, and after the first does what ``do`` says.

    All three are the candidate's decisions.
    """

    folder: str = ""

    def describe(self) -> dict[str, Any]:
        return {"evaluator": "fake"}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        action = candidate.decisions.get("do", "work")
        pause = candidate.decisions.get("pause", 0.0)
        for epoch in range(1, candidate.decisions.get("epochs", 2) + 1):
            time.sleep(pause)
            yield Measurement(epoch, candidate.number + epoch / 100, 1.0 / epoch, pause * epoch)
            if action != "work":
                getattr(self, f"_{action}")(candidate)

    def _raise(self, candidate: Candidate) -> None:
        raise ValueError("an odd\nlayer")

    def _diverge(self, candidate: Candidate) -> None:
        raise Diverged("the training loss became nan in epoch 1")

    def _exit(self, candidate: Candidate) -> None:
        raise SystemExit(3)

    def _die(self, candidate: Candidate) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _die_once(self, candidate: Candidate) -> None:
        mark = Path(self.folder) / f"died-{candidate.number}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _hang(self, candidate: Candidate) -> None:
        time.sleep(3600)

    def _spin(self, candidate: Candidate) -> None:
        while True:
            time.sleep(0.01)

    def _hog(self, candidate: Candidate) -> None:
        np.ones(2**44, dtype=np.uint8)  # 16 TiB

    def _grow(self, candidate: Candidate) -> None:
        kept = []
        while True:
            kept.append(np.ones(2**24, dtype=np.uint8))


@dataclass(frozen=True)
class Unpicklable:
    """Its measurements cannot travel."""

    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        yield Measurement(1, 0.5, None, 0.0, {"lock": __import__("threading").Lock()})
