"""Rising fidelities: each candidate is trained anew at every rung, so that a pruner can stop it between two.

Epochs rise by themselves within one training; the share of the images, their resolution and the network's width
do not, and a training with fewer epochs and a whole learning-rate schedule is another thing than the
beginning of a longer one. Jamieson & Talwalkar 2016 and Li et al. 2018 (Hyperband, §2) leave open what the resource is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evaluators.evaluator import Candidate, Measurement
from evaluators.images.image_set import ImageSet
from evaluators.training import TrainEvaluator
from space.errors import InputError, UnknownNameError

RUNGS = ("epochs", "fraction", "resolution", "width")


@dataclass(frozen=True, eq=False)
class LadderEvaluator:
    """``steps`` are trainings of the same recipe at rising fidelity; each yields one measurement, its last.

    A measurement's ``epoch`` is the number of the step, from 1. ``extra["epochs"]`` counts all epochs trained so
    far, and the seconds are of all steps together.
    """

    fidelity_name: str
    steps: tuple[TrainEvaluator, ...]

    @classmethod
    def parse(cls, text: str, top: TrainEvaluator) -> LadderEvaluator:
        """``"fraction=0.1,0.3"`` below the fidelity of ``top``.

        Raises UnknownNameError for a fidelity that is none, and InputError unless its values rise to the top's.
        """
        name, _, values = text.partition("=")
        name = name.strip()
        if name not in RUNGS:
            raise UnknownNameError("rungs", name, RUNGS)
        whole = name in ("epochs", "resolution")
        try:
            rungs = [int(v) if whole else float(v) for v in values.split(",")]
        except ValueError:
            wanted = f"{'whole ' if whole else ''}numbers, as {name}={'3,9' if whole else '0.1,0.3'}"
            raise InputError.of("rungs", wanted, text) from None
        end = getattr(top, name)
        if end is None:
            end = top.images.resolution
        if any(a >= b for a, b in zip(rungs, [*rungs[1:], end], strict=True)):
            raise InputError.of("rungs", f"values of {name} that rise to the search's own {end:g}", text)
        return cls(name, (*(top.replace(**{name: rung}) for rung in rungs), top))

    @property
    def top(self) -> TrainEvaluator:
        """The training at full fidelity."""
        return self.steps[-1]

    @property
    def images(self) -> ImageSet:
        return self.top.images

    @property
    def rungs(self) -> str:
        """The fidelity of each step, as ``fraction:0.1:0.3:1``."""
        values = (getattr(step, self.fidelity_name) or self.images.resolution for step in self.steps)
        return ":".join([self.fidelity_name, *(f"{value:g}" for value in values)])

    def describe(self) -> dict[str, Any]:
        """Recipe, data and fidelity of the top, and the rungs below it."""
        return {**self.top.describe(), "evaluator": "ladder", "rungs": self.rungs}

    @property
    def fidelity(self) -> dict[str, Any]:
        """The top's, the number of steps and what rises from one to the next."""
        return {**self.top.fidelity, "steps": len(self.steps), "rungs": self.rungs}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        """Trains the candidate once for each step. Raises Diverged or OutOfMemory."""
        started, epochs = time.perf_counter(), 0
        for number, step in enumerate(self.steps, start=1):
            *_, last = step.evaluate(candidate)
            epochs += last.epoch
            extra = {**last.extra, "epochs": epochs}
            yield Measurement(number, last.accuracy, last.loss, time.perf_counter() - started, extra)
