"""What does the work of ``nascale auto``: searches, trains, exports and tests with what the other commands use."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from nascale.architectures import resolve
from nascale.auto_run import family
from nascale.auto_run.augmentation import Options, words
from nascale.auto_run.clock import Clock
from nascale.auto_run.plan import Fidelity
from nascale.auto_run.prepare import PreparedAuto, slug
from nascale.auto_run.state import Finalist
from nascale.auto_run.trainings import Trainees, Training, standing
from nascale.auto_run.verdict import Right
from nascale.auto_run.work import Found, Seen, Trained
from results.files import write_file
from results.intervals import Estimate, proportion
from results.networks import Networks, answer, ranking
from results.stock import measured_stock
from results.storage_url import redacted
from results.trial_result import TrialResult
from space.codec import from_dict
from space.errors import InputError
from space.family import Member

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet
    from evaluators.trained.run_folder import TrainedRun
    from results.studies import StoredStudy
    from search.progress import Progress

TRAININGS, REPORT, FAMILY = "trainings", "report.html", "family"
_POOL_SECONDS = 6.0
"""What it takes to start the workers of a search."""
_FEWEST_SECONDS = 1.0
_TELL_SECONDS = 20.0
_FIRST_LEAST = 0.7
_QUICK_FORMAT = "python"


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
    _opened: dict[Any, ImageSet] = field(default_factory=dict, init=False)
    _families: dict[str, list[Member]] = field(default_factory=dict, init=False)

    @property
    def slots(self) -> int:
        return self.prepared.slots

    @property
    def stock(self) -> Sequence[Finalist]:
        return self.prepared.stock

    def epoch_seconds(self) -> float:
        self.trainees.open_images(self._training("first", self.stock[0], 1))
        return self.prepared.epoch_seconds()

    @property
    def augmentations(self) -> Sequence[Options]:
        return self.prepared.augmentations

    @property
    def more_images(self) -> Options:
        return self.prepared.more_images

    def train(
        self,
        stage: str,
        some: Sequence[tuple[Finalist, Options]],
        until: float,
        epoch_seconds: float,
    ) -> list[Trained]:
        epochs = max(1, round(self.clock.left(until) / epoch_seconds))
        threads = self.prepared.spec.threads
        if stage == "final":
            # The stages before give all processors a training each; the few of the final share them.
            threads *= max(1, self.slots // len(some))
        trainings = [self._training(stage, one, epochs, options, threads) for one, options in some]
        names = _told_apart(some)

        def look() -> None:
            self.beat()
            if stage == "final":
                # While others work: afterwards there is no time for it.
                for one, _ in some:
                    self._family(one)
            if self.clock.spent - self._said >= _TELL_SECONDS:
                self._said = self.clock.spent
                self.say(f"{stage}: {' · '.join(standing(trainings, names))}")

        def failed(training: Training, reason: str) -> None:
            self.say(f"{stage}: {names[trainings.index(training)]} gave no result: {reason}")

        # The first one counts from when it really begins: its process is still loading.
        least = _FIRST_LEAST * self.clock.left(until) if stage == "first" else 0.0
        self.trainees.train(trainings, self.clock.moment(until), look, failed, least)
        return [
            self._trained(one, options)
            for one, (_, options) in zip(trainings, some, strict=True)
            if one.is_finished
        ]

    def _training(
        self,
        stage: str,
        one: Finalist,
        epochs: int,
        options: Options | None = None,
        threads: int | None = None,
    ) -> Training:
        spec = self.prepared.spec
        own = dict(options or {})
        name = "-".join([stage, slug(one.name), *(name.replace("_", "-") for name in own)])
        folder = spec.out / TRAININGS / name
        known = Training(one, folder, {}, spec.search.storage).run
        if known is not None:
            epochs, threads = int(known.spec["epochs"]), int(known.spec["threads"])
        decided = {"epochs": epochs, "threads": threads or spec.threads}
        return Training(one, folder, {**spec.training_options, **own, **decided}, spec.search.storage)

    def _trained(self, training: Training, options: Options) -> Trained:
        run = training.run
        assert run is not None and run.metrics is not None
        figures = run.metrics
        merit = self.prepared.merit
        epoch_seconds, loss, loss_epoch = self._pace_and_loss(run)
        return Trained(
            training.finalist,
            str(training.folder.relative_to(self.prepared.spec.out)),
            float(figures["accuracy"]),
            float(figures["balanced_accuracy"]),
            int(figures["epochs"]),
            float(figures["seconds"]),
            float(figures[merit]) * training.finalist.factor,
            epoch_seconds,
            loss,
            dict(options),
            loss_epoch,
            int(run.described["split"]["validation"]),
        )

    def _pace_and_loss(self, run: TrainedRun) -> tuple[float, float, int]:
        """Seconds of an epoch of a training, by the speed of its last; the least validation loss, of averaged weights too; its epoch."""
        from evaluators.trained.run_folder import METRICS
        from results.training_curves import read_metrics

        rows = read_metrics(run.folder / METRICS)
        speed = rows[-1]["images_per_second"]
        assert speed is not None
        losses = [
            (loss, number)
            for number, row in enumerate(rows, start=1)
            for name in ("validation_loss", "average_loss")
            if (loss := row.get(name)) is not None
        ]
        return int(run.described["split"]["train"]) / speed, *min(losses)

    def _images(self, run: TrainedRun) -> ImageSet:
        """The images of a training, opened once for all that see them at the same size, split alike."""
        key = (run.data["size"], run.data.get("trained_validation"))
        if key not in self._opened:
            self._opened[key] = run.images()
        return self._opened[key]

    def run_of(self, trained: Trained) -> TrainedRun:
        """The folder of its training."""
        from evaluators.trained.run_folder import open_run

        return open_run(self.prepared.spec.out / trained.folder)

    def search(self, how: Fidelity, until: float) -> Found:
        from nascale import launch

        left = self.clock.left(until) - _POOL_SECONDS
        if left > _FEWEST_SECONDS:

            def report(progress: Progress) -> None:
                self.beat()
                self.progress(progress)

            launch.run(self.prepared.search(how, left), report, self.say)
        if self._study is None:
            return Found(self.stock, {}, {"networks": 0, "trials": 0})
        return self._found(self._study.trials)

    def _found(self, trials: Sequence[TrialResult]) -> Found:
        spec = self.prepared.spec.search
        networks = Networks(self.prepared.searched_merit, trials)
        # Of the same trials, as all of a trial's figures come together: so the positions are the same.
        plain = Networks(self.prepared.merit, trials)
        order = ranking(networks)
        finalists = [
            Finalist(
                name=f"trial {networks.first[at].number}",
                arch=f"{spec.study}:{networks.first[at].number}",
                stock=False,
                score=networks.means[at] * networks.factors[at],
                accuracy=plain.means[at],
                measurements=networks.counts[at],
                factor=networks.factors[at],
                macs=int(networks.first[at].costs["macs"]),
                params=int(networks.first[at].costs["params"]),
            )
            for at in order
        ]
        stock = [self._stock(trial) for trial in measured_stock(trials)]
        seconds = {"stock": 0.0, "search": 0.0, "again": 0.0}
        for trial in trials:
            if trial.measured_by is None and trial.seconds:
                again = "again" if trial.repeat_of is not None else "search"
                seconds["stock" if trial.stock is not None else again] += trial.seconds
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
                "figure": self.prepared.searched_merit,
                "accuracy": best.accuracy,
                "measurements": best.measurements,
                "low": best.low,
                "high": best.high,
                "probability": best.probability,
                "deviation": networks.deviation,
            }
        known = {one.name for one in stock}
        unknown = [one for one in self.stock if one.name not in known]
        varied = _varied(finalists, [_block_types(networks.first[at]) for at in order])
        ranked = sorted(stock, key=lambda one: -one.score)
        return Found([*varied, *ranked, *unknown], seconds, told)

    def _stock(self, trial: TrialResult) -> Finalist:
        """A stock network with what the search measured of it."""
        merit, accuracy = trial.merit(self.prepared.searched_merit), trial.merit(self.prepared.merit)
        assert trial.stock is not None and merit is not None and accuracy is not None
        score = trial.values[0] if trial.values else merit
        return Finalist(
            name=trial.stock,
            arch=f"{self.prepared.spec.search.study}:{trial.number}",
            stock=True,
            score=score,
            accuracy=accuracy,
            measurements=1,
            factor=score / merit if merit > 0 else 1.0,
            macs=int(trial.costs["macs"]),
            params=int(trial.costs["params"]),
        )

    def widened(self, one: Finalist, most_macs: float) -> Finalist | None:
        return self.prepared.widened(one, most_macs)

    def publish(self, trained: Trained, *, quick: bool) -> None:
        from nascale.auto_run.publish import publish

        spec = self.prepared.spec
        self.beat()
        run = self.run_of(trained)
        formats = [one for one in self.prepared.formats if not quick or one.name == _QUICK_FORMAT]
        publish(run, formats, spec.out, spec.search.storage, self._images(run))
        self.beat()

    def test(self, trained: Trained) -> Seen | None:
        from evaluators.trained.testing import look_at, looks_at_weights, remember

        run = self.run_of(trained)
        images = self._images(run)
        if not len(images.test):
            return None
        look = look_at(run, images)
        if not looks_at_weights(run):
            remember(run, look, shlex.join(map(redacted, sys.argv)))
        return Seen(look.record(), np.asarray(look.shares.argmax(axis=1) == look.labels))

    def right(self, trained: Trained, of: Trained | None = None) -> Right:
        from evaluators.trained.classifier import Classifier

        run = self.run_of(trained)
        images = self._images(run)
        # The size in pixels differs between networks, not the order of the images.
        some = self._images(self.run_of(of or trained)).validation
        found = Classifier(run).logits(images.images, some).argmax(axis=1)
        return np.asarray(found == images.labels[some])

    def describe(self, trained: Trained, test: Seen | None) -> list[dict[str, Any]]:
        seen = trained.images or len(self.prepared.images.validation)
        accuracy = proportion(round(trained.accuracy * seen), seen)
        if test is not None:
            accuracy = Estimate(*(float(test.figures[name]) for name in ("accuracy", "low", "high")))
        network = self.run_of(trained).architecture
        members = self._family(trained.finalist)
        study = self._study
        line = _line_of(() if study is None else study.trials)
        return family.write(self.prepared.spec.out / FAMILY, network, members, accuracy, line)

    def report(self, conclusions: Sequence[str]) -> None:
        from nascale.repeat import repeat_command
        from results.report.report import report

        if self._study is not None:
            page = report(self._study, repeat=repeat_command, conclusions=conclusions)
            write_file(self.prepared.spec.out / REPORT, page.encode(), "--out")

    @cached_property
    def _study(self) -> StoredStudy | None:
        """The search with its architectures, to be asked for once it is over; None where there was none."""
        from results.studies import load

        spec = self.prepared.spec.search
        with suppress(InputError):
            return load(spec.study, spec.storage, architectures=True)
        return None

    def _family(self, one: Finalist) -> list[Member]:
        if one.name not in self._families:
            storage = self.prepared.spec.search.storage
            self._families[one.name] = family.members(
                resolve(one.arch, storage), self.prepared.images.own_side
            )
        return self._families[one.name]


def _told_apart(some: Sequence[tuple[Finalist, Options]]) -> list[str]:
    """What to call trainings that run together: by their networks, and by their options where these are what differs."""
    alike = all(options == some[0][1] for _, options in some)
    return [one.name if alike or not options else f"{one.name}, {words(options)}" for one, options in some]


def _line_of(trials: Sequence[TrialResult]) -> family.ErrorLine | None:
    """The line that the networks of a search lie on."""
    known = [
        (trial.costs["macs"], trial.accuracy)
        for trial in trials
        if trial.status.complete and trial.accuracy is not None and "macs" in trial.costs
    ]
    return family.ErrorLine.of(*(np.array(column) for column in zip(*known, strict=True))) if known else None


def _block_types(trial: TrialResult) -> tuple[str, ...]:
    """The type of the blocks in each stage of a trial's network; none where it is not known."""
    if trial.architecture is None:
        return ()
    return tuple(type(stage.blocks[-1]).__name__ for stage in from_dict(trial.architecture).stages)


def _varied(ranked: Sequence[Finalist], block_types: Sequence[tuple[str, ...]]) -> list[Finalist]:
    """The networks of a search in the order in which longer trainings are to try them.

    A search ends among networks that are much alike, and short trainings hardly tell them apart. So of those with the same
    types of blocks in their stages only the best comes first, if it is in the better half of all; the others follow by their
    scores.
    """
    best: dict[tuple[str, ...], Finalist] = {}
    for one, types in zip(ranked[: ceil(len(ranked) / 2)], block_types, strict=False):
        best.setdefault(types, one)
    first = list(best.values())
    return [*first, *(one for one in ranked if one not in first)]
