"""A training repeated from its passport, and what came out beside what it was.

On a CPU with the same number of threads and the same versions the weights are the same bit for bit. Where something
of that differs, the accuracy may differ by what the number of validation images lets chance do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.export.passport import Passport
from nascale.train_spec import TrainSpec
from space.codec import to_json
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag
    from evaluators.trained.run_folder import TrainedRun
    from evaluators.trainer.standing import Standing
    from nascale.train_run import PreparedTraining

_FIGURES = ("epoch", "accuracy", "balanced_accuracy", "loss")
_Z = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Reproduction:
    """A passport, and the run that repeated its training; ``images`` is the number of validation images."""

    passport: Passport
    run: TrainedRun
    images: int

    @property
    def same_weights(self) -> bool:
        """Whether the kept weights are the same, bit for bit."""
        return self.run.weights_checksum() == self.passport.weights

    @property
    def difference(self) -> float:
        """How much more accurate the repeated training is on the validation images."""
        return self._accuracy(self.run) - self._accuracy(self.passport.run)

    @property
    def noise(self) -> float:
        """How far two accuracies on so many images are apart in 95 of 100 cases when nothing but chance is between them.

        That of two independent draws of images; two trainings that are judged on the same ones differ by less.
        """
        mean = (self._accuracy(self.run) + self._accuracy(self.passport.run)) / 2
        return _Z * math.sqrt(2 * mean * (1 - mean) / self.images)

    @property
    def holds(self) -> bool:
        """Whether the training was repeated: with the same weights, or with an accuracy within the noise."""
        return self.same_weights or abs(self.difference) <= self.noise

    @property
    def changes(self) -> list[str]:
        """What weights depend on and is no longer the same: versions, machine, threads."""
        then, now = self.passport.run, self.run
        found = []
        packages = (then.provenance.get("packages") or {}, now.provenance.get("packages") or {})
        pairs = {
            "nascale": (then.provenance.get("nascale"), now.provenance.get("nascale")),
            "commit": (then.provenance.get("git_commit"), now.provenance.get("git_commit")),
            "machine": (then.provenance.get("device"), now.provenance.get("device")),
            **{name: (packages[0].get(name), packages[1].get(name)) for name in ("torch", "numpy")},
        }
        for name, (before, after) in pairs.items():
            if before != after:
                found.append(f"{name} {before}, now {after}")
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Passport and repetition side by side."""
        then, now = self.passport.run.metrics or {}, self.run.metrics or {}
        pairs: dict[str, tuple[Any, Any]] = {
            "weights": (self.passport.weights[:16], self.run.weights_checksum()[:16])
        }
        pairs |= {name: (then.get(name), now.get(name)) for name in _FIGURES}
        return [
            {"what": name, "passport": before, "now": after, "same": before == after}
            for name, (before, after) in pairs.items()
        ]

    def verdict(self) -> str:
        """One sentence."""
        if self.same_weights:
            return "reproduced: the same weights, bit for bit"
        told = (
            f"accuracy differs by {100 * self.difference:+.2f} points; chance alone explains "
            f"{100 * self.noise:.2f} on {self.images} validation images"
        )
        changed = f" (changed: {'; '.join(self.changes)})" if self.changes else ""
        return (
            f"{'reproduced within noise' if self.holds else 'not reproduced'}: other weights, {told}{changed}"
        )

    @staticmethod
    def _accuracy(run: TrainedRun) -> float:
        return float((run.metrics or {}).get("accuracy", math.nan))


def spec_of(passport: Passport, data: str | None = None) -> TrainSpec:
    """The settings of the training, with every value written out; ``data`` is another place of the images."""
    run = passport.run
    keys = {name: value for name, value in run.spec.items() if value is not None and name != "within"}
    return TrainSpec.of(**{**keys, "arch": to_json(run.architecture), "data": data or run.data["text"]})


def prepared(passport: Passport, out: Path, data: str | None = None) -> PreparedTraining:
    """The training, ready to run in ``out``. Raises InputError for other images or other weights to start from."""
    from nascale.train_run import prepare

    if not passport.run.finished:
        raise InputError.of(
            "PASSPORT", "one of a training that came to its end", "one of an unfinished training"
        )
    passport.run.images(data)  # raises for others than the passport's
    ready = prepare(spec_of(passport, data), out)
    files = passport.run.provenance.get("weights", {})
    if ready.run.provenance.get("weights", {}) != files:
        raise InputError.of("PASSPORT", f"the files of weights that it started from ({files})", "others")
    return replace(ready, run=replace(ready.run, ends=passport.run.ends))


def reproduce(
    passport: Passport,
    ready: PreparedTraining,
    *,
    stop: StopFlag | None = None,
    follow: Callable[[Standing], None] = lambda training: None,
) -> Reproduction:
    """Trains to the end and compares. Raises what a training raises."""
    from nascale.train_run import run

    return Reproduction(passport, run(ready, stop=stop, follow=follow), len(ready.images.validation))
