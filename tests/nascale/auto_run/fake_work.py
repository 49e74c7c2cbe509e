"""Work for the stages that takes its time on a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nascale.auto_run import more_images
from nascale.auto_run.augmentation import STRONGER, UNFLIPPED, Options
from nascale.auto_run.clock import Clock
from nascale.auto_run.plan import Fidelity
from nascale.auto_run.state import Finalist
from nascale.auto_run.verdict import Right
from nascale.auto_run.work import Found, Seen, Trained

IMAGES = 400
EPOCHS = {"first": 3, "heats": 5, "augmentation": 5, "final": 50}


class Killed(BaseException):
    """The process ends here."""


def finalist(name: str, *, stock: bool, score: float = 0.0) -> Finalist:
    return Finalist(name, f"{name}.json", stock, score, score, int(score > 0), 1.0, 1000, 100)


class FakeWork:
    """Work that takes its time on a clock of its own: networks have the accuracies of ``truth``, the longer the better.

    ``slow`` is how much longer than planned everything takes. ``kill`` is the number of the moment at which it dies.
    """

    def __init__(
        self, folder: Path, truth: Mapping[str, float], slow: float = 1.0, kill: int | None = None
    ) -> None:
        self.folder, self.truth, self.slow, self.kill = folder, truth, slow, kill
        self.time, self.moments = 0.0, 0
        self.clock = Clock(0.0, lambda: self.time)
        self.beat: Callable[[], None] = lambda: None
        self.looks: list[str] = []
        self.reported: Sequence[str] = ()
        self.searches: list[Fidelity] = []
        self.slots = 2
        self.each = 2.0
        """Seconds of an epoch."""
        self.augmentations: Sequence[Options] = [STRONGER, UNFLIPPED]
        self.more_images: Options = {}
        self.luck: dict[str, float] = {}
        """By how much the images left judge the last training better than it is."""
        self.wide: dict[str, Finalist] = {}
        self.losses = {"": 0.7, "auto_augment": 0.9, "flip": 0.8}
        """By the options."""
        self.stock: Sequence[Finalist] = [
            finalist(name, stock=True) for name in truth if name.startswith("stock")
        ]

    def passes(self, seconds: float) -> None:
        for _ in range(10):
            self.time += seconds / 10
            self.moments += 1
            if self.moments == self.kill:
                raise Killed
            self.beat()

    def epoch_seconds(self) -> float:
        self.passes(3)
        return self.each

    def train(
        self, stage: str, some: Sequence[tuple[Finalist, Options]], until: float, epoch_seconds: float
    ) -> list[Trained]:
        if self.clock.left(until) > 0:
            self.passes(self.clock.left(until))
        seconds = self.clock.spent / 10
        folder = self.folder / "trainings"
        folder.mkdir(exist_ok=True)
        done = []
        for one, options in some:
            accuracy = self.truth[one.name] * (1 - 0.1 / (1 + seconds))
            path = folder / "-".join([stage, one.name, *options])
            if not path.exists():
                path.write_text(f"{accuracy} {seconds}")
            accuracy, seconds = map(float, path.read_text().split())
            if stage == "final":
                accuracy += self.luck.get(one.name, 0.0)
            loss = self.losses[" ".join(options)] if stage != "final" else 0.5
            done.append(
                Trained(
                    one,
                    f"trainings/{path.name}",
                    accuracy,
                    accuracy,
                    EPOCHS[stage],
                    seconds,
                    accuracy,
                    self.each,
                    loss,
                    options,
                    images=IMAGES // 5 if more_images.OPTION in options else IMAGES,
                )
            )
        return done

    def search(self, how: Fidelity, until: float) -> Found:
        self.searches.append(how)
        self.passes(max(0.0, self.clock.left(until)) * self.slow)
        ranked = sorted(self.truth, key=lambda name: -self.truth[name])
        networks = [finalist(name, stock=name.startswith("stock"), score=self.truth[name]) for name in ranked]
        return Found(networks, {"stock": 10.0, "search": 30.0, "again": 0.0}, {"networks": 4, "trials": 4})

    def widened(self, one: Finalist, most_macs: float) -> Finalist | None:
        wide = self.wide.get(one.name)
        return wide if wide is not None and wide.macs <= most_macs else None

    def publish(self, trained: Trained, *, quick: bool) -> None:
        self.passes((4.5 if quick else 12) * self.slow)
        (self.folder / "export").write_text(json.dumps([trained.finalist.name, trained.score]))

    def test(self, trained: Trained) -> Seen | None:
        self.passes(2 * self.slow)
        self.looks.append(trained.folder)
        accuracy = trained.accuracy - self.luck.get(trained.finalist.name, 0.0)
        right = np.arange(IMAGES) < round(accuracy * IMAGES)
        return Seen({"accuracy": float(right.mean()), "low": 0.0, "high": 1.0, "images": IMAGES}, right)

    def right(self, trained: Trained, of: Trained | None = None) -> Right:
        count = (of or trained).images
        return np.arange(count) < round(trained.accuracy * count)

    def describe(self, trained: Trained, test: Seen | None) -> list[dict[str, Any]]:
        self.passes(1)
        return []

    def report(self, conclusions: Sequence[str]) -> None:
        self.passes(1)
        self.reported = conclusions
