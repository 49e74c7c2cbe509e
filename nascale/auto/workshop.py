"""What does the work of ``nascale auto``: searches, trains, exports and tests with what the other commands use."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nascale.auto.clock import Clock
from nascale.auto.plan import Fidelity
from nascale.auto.prepare import PreparedAuto
from nascale.auto.stages import Found, Seen, Trained
from nascale.auto.state import Finalist
from nascale.auto.trainings import Trainees, Training, standing
from nascale.auto.verdict import Right
from results.files import write_file
from results.networks import Networks, answer, ranking
from results.storage_url import redacted
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.trained.run_folder import TrainedRun
    from search.progress import Progress

TRAININGS, REPORT, FAMILY = "trainings", "report.html", "family"
_POOL_SECONDS = 6.0
"""What it takes to start the workers of a search."""
_FEWEST_SECONDS = 1.0
_TELL_SECONDS = 20.0


@dataclass
class Workshop:
    """Does the work for ``prepared``; ``beat`` is called often while something takes long.

    ``say`` is told what goes on, ``progress`` how the search is going.
    """

    prepared: PreparedAuto
    trainees: Trainees
    clock: Clock
    say: Callable[[str], None]
    progress: Callable[[Progress], None] = lambda progress: None
    beat: Callable[[], None] = lambda: None
    _said: float = field(default=0.0, init=False)

    @property
    def slots(self) -> int:
        return self.prepared.slots

    @property
    def stock(self) -> Sequence[Finalist]:
        return self.prepared.stock

    def epoch_seconds(self) -> float:
        return self.prepared.epoch_seconds()

    def train(
        self, stage: str, some: Sequence[Finalist], until: float, epoch_seconds: float
    ) -> list[Trained]:
        epochs = max(1, round(self.clock.left(until) / epoch_seconds))
        trainings = [self._training(stage, one, epochs) for one in some]

        def look() -> None:
            self.beat()
            if self.clock.spent - self._said >= _TELL_SECONDS:
                self._said = self.clock.spent
                self.say(f"{stage}: {' · '.join(standing(trainings))}")

        def failed(training: Training, reason: str) -> None:
            self.say(f"{stage}: {training.finalist.name} gave no result: {reason}")

        self.trainees.train(trainings, self.clock.moment(until), look, failed)
        return [self._trained(one) for one in trainings if one.is_finished]

    def _training(self, stage: str, one: Finalist, epochs: int) -> Training:
        spec = self.prepared.spec
        folder = spec.out / TRAININGS / f"{stage}-{slug(one.name)}"
        known = Training(one, folder, {}, spec.search.storage).run
        if known is not None:
            epochs = int(known.spec["epochs"])
        return Training(one, folder, {**spec.training_options, "epochs": epochs}, spec.search.storage)

    def _trained(self, training: Training) -> Trained:
        run = training.run
        assert run is not None and run.metrics is not None
        figures = run.metrics
        merit = self.prepared.merit
        return Trained(
            training.finalist,
            str(training.folder.relative_to(self.prepared.spec.out)),
            float(figures["accuracy"]),
            float(figures["balanced_accuracy"]),
            int(figures["epochs"]),
            float(figures["seconds"]),
            float(figures[merit]) * training.finalist.factor,
        )

    def run_of(self, trained: Trained) -> TrainedRun:
        """The folder of its training."""
        from evaluators.trained.run_folder import open_run

        return open_run(self.prepared.spec.out / trained.folder)

    def search(self, how: Fidelity, until: float) -> Found:
        from nascale import launch
        from results.studies import load

        spec = self.prepared.spec
        left = self.clock.left(until) - _POOL_SECONDS
        if left > _FEWEST_SECONDS:
            chosen = spec.search.replace(
                epochs=how.epochs,
                fraction=how.fraction,
                trials=2 * how.trials + 1,
                max_seconds=left,
            )

            def report(progress: Progress) -> None:
                self.beat()
                self.progress(progress)

            launch.run(launch.prepare(chosen), report, self.say)
        try:
            trials = load(spec.search.study, spec.search.storage).trials
        except InputError:
            return Found(self.stock, {}, {"networks": 0, "trials": 0})
        return self._found(trials)

    def _found(self, trials: Sequence[Any]) -> Found:
        spec = self.prepared.spec.search
        networks = Networks(self.prepared.merit, trials)
        finalists = [
            Finalist(
                name=f"trial {networks.first[at].number}",
                arch=f"{spec.study}:{networks.first[at].number}",
                stock=False,
                score=networks.means[at] * networks.factors[at],
                accuracy=networks.means[at],
                measurements=networks.counts[at],
                factor=networks.factors[at],
                macs=int(networks.first[at].costs["macs"]),
                params=int(networks.first[at].costs["params"]),
            )
            for at in ranking(networks)
        ]
        seconds = {"search": 0.0, "again": 0.0}
        for trial in trials:
            if trial.measured_by is None and trial.seconds:
                seconds["again" if trial.repeat_of is not None else "search"] += trial.seconds
        told: dict[str, Any] = {
            "study": spec.study,
            "storage": redacted(spec.storage),
            "networks": len(networks),
            "trials": sum(trial.status.finished for trial in trials),
        }
        best = answer(networks)
        if best is not None and best.probability is not None and networks.deviation is not None:
            told["answer"] = {
                "name": f"trial {best.trial.number}",
                "accuracy": best.accuracy,
                "measurements": best.measurements,
                "low": best.low,
                "high": best.high,
                "probability": best.probability,
                "deviation": networks.deviation,
            }
        return Found([*finalists, *self.stock], seconds, told)

    def publish(self, trained: Trained) -> None:
        from nascale.auto.publish import publish

        spec = self.prepared.spec
        self.beat()
        publish(self.run_of(trained), self.prepared.formats, spec.out, spec.search.storage)
        self.beat()

    def test(self, trained: Trained) -> Seen | None:
        from evaluators.trained.testing import look_at, looks_at_weights, remember

        run = self.run_of(trained)
        images = run.images()
        if not len(images.test):
            return None
        look = look_at(run, images)
        if not looks_at_weights(run):
            remember(run, look, shlex.join(map(redacted, sys.argv)))
        return Seen(look.record(), np.asarray(look.shares.argmax(axis=1) == look.labels))

    def right(self, trained: Trained) -> Right:
        from evaluators.trained.classifier import Classifier

        run = self.run_of(trained)
        images = run.images()
        found = Classifier(run).logits(images.images, images.validation).argmax(axis=1)
        return np.asarray(found == images.labels[images.validation])

    def describe(self, trained: Trained) -> None:
        from nascale.repeat import repeat_command
        from results.report.report import write_report

        spec = self.prepared.spec
        with suppress(InputError):
            page = write_report(spec.search.study, spec.search.storage, repeat=repeat_command)
            write_file(spec.out / REPORT, page.encode(), "--out")


def slug(name: str) -> str:
    """``name`` as a part of a path."""
    return "".join(sign if sign.isalnum() or sign in "._" else "-" for sign in name)
