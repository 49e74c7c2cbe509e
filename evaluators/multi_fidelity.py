"""A multi-fidelity schedule: each candidate is trained several times at rising fidelity, and may be stopped between.

Epochs rise by themselves within one training. The share of the images, their resolution and the network's width
do not, and a training with fewer epochs and a whole learning-rate schedule differs from the beginning of a longer
one. Jamieson & Talwalkar 2016 and Li et al. 2018 (Hyperband, §2) leave open what the resource is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from evaluators.evaluator import Candidate, Evaluator, FidelitySchedule, Measurement, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.training import TrainEvaluator
from space.errors import InputError, UnknownNameError

RECIPE_FIELDS = {
    "epochs": "epochs",
    "fraction": "fraction",
    "resolution": "train_resolution",
    "width": "train_width",
}
"""What may rise, by its name in ``--rungs``, and the field of the recipe that holds it."""


@dataclass(frozen=True, eq=False)
class MultiFidelityEvaluator(Evaluator):
    """``levels`` are trainings by the same recipe at rising fidelity; each yields one measurement, its last.

    A measurement's ``epoch`` is the number of the level, from 1. ``extra["epochs"]`` counts all epochs trained so
    far, and the seconds are those of all levels together.
    """

    fidelity_name: str
    levels: tuple[TrainEvaluator, ...]
    images: ImageSet = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", self.full.images)

    @classmethod
    def parse(cls, text: str, full: TrainEvaluator) -> MultiFidelityEvaluator:
        """The schedule of ``"fraction=0.1,0.3"``: two levels below the fidelity of ``full``.

        Raises UnknownNameError for an unknown fidelity, and InputError unless its values rise to the one of ``full``.
        """
        name, _, values = text.partition("=")
        name = name.strip()
        if name not in RECIPE_FIELDS:
            raise UnknownNameError("rungs", name, RECIPE_FIELDS)
        whole = name in ("epochs", "resolution")
        try:
            rungs = [int(v) if whole else float(v) for v in values.split(",")]
        except ValueError:
            wanted = f"{'whole ' if whole else ''}numbers, as {name}={'3,9' if whole else '0.1,0.3'}"
            raise InputError.of("rungs", wanted, text) from None
        end = full.fidelity[name]
        if end is None:
            end = full.images.resolution
        if any(a >= b for a, b in zip(rungs, [*rungs[1:], end], strict=True)):
            raise InputError.of("rungs", f"values of {name} that rise to the search's own {end:g}", text)
        lower = (full.with_recipe(**{RECIPE_FIELDS[name]: rung}) for rung in rungs)
        return cls(name, (*lower, full))

    @property
    def full(self) -> TrainEvaluator:
        """The training at full fidelity."""
        return self.levels[-1]

    @property
    def rungs(self) -> str:
        """The fidelity of each level, as ``fraction:0.1:0.3:1``."""
        values = (level.fidelity[self.fidelity_name] or self.images.resolution for level in self.levels)
        return ":".join([self.fidelity_name, *(f"{value:g}" for value in values)])

    def describe(self) -> dict[str, Any]:
        """Recipe, data and fidelity of the full training, and the levels."""
        return {**self.full.describe(), "evaluator": "multi-fidelity", "rungs": self.rungs}

    @property
    def fidelity(self) -> dict[str, Any]:
        """That of the full training, the number of levels and what rises from one to the next."""
        return {**self.full.fidelity, "steps": len(self.levels), "rungs": self.rungs}

    @property
    def schedule(self) -> FidelitySchedule:
        """One measurement for each level, and a training of its own for each."""
        return FidelitySchedule(len(self.levels), restarts=True)

    def probe(self) -> None:
        """A batch at full fidelity."""
        self.full.probe()

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """Trains the candidate once for each level. Raises Diverged, OutOfMemory or Stopped."""
        started, epochs = time.perf_counter(), 0
        for number, level in enumerate(self.levels, start=1):
            *_, last = level.evaluate(candidate, stop)
            epochs += last.epoch
            extra = {**last.extra, "epochs": epochs}
            yield Measurement(number, last.accuracy, last.loss, time.perf_counter() - started, extra)
