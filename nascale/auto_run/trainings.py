"""Full trainings side by side, in processes that are started once and train one network after another by the clock."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nascale.auto_run.state import Finalist

if TYPE_CHECKING:
    from evaluators.trained.run_folder import TrainedRun

_LOOK_SECONDS = 0.2
_PATIENCE = 15.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Training:
    """The training of ``finalist`` in ``folder`` with ``options`` of ``nascale train``."""

    finalist: Finalist
    folder: Path
    options: Mapping[str, Any]
    storage: str

    @property
    def run(self) -> TrainedRun | None:
        """What lies in the folder; None before there is anything."""
        from evaluators.trained.run_folder import RUN, open_run

        return open_run(self.folder) if (self.folder / RUN).exists() else None

    @property
    def is_finished(self) -> bool:
        run = self.run
        return run is not None and run.finished


class _Trainee:
    """A process that trains; it is there from the start, because what it imports takes seconds."""

    def __init__(self, threads: int) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nascale.auto_run.trainee"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": path},
        )

    def begin(self, training: Training, until: float, least: float, *, images_alone: bool = False) -> None:
        """Has it train to the moment ``until`` of the monotonic clock, for ``least`` seconds at least."""
        request = {
            "arch": training.finalist.arch,
            "out": None if images_alone else str(training.folder),
            "options": dict(training.options),
            "storage": training.storage,
            "until": until,
            "least": least,
        }
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(request)}\n".encode())
            self._process.stdin.flush()

    def ended(self) -> str | None:
        """Why the training gave no result, empty where it gave one; None while it runs."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(0):
                return None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            return self._last_words()
        return str(json.loads(line)["error"])

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with status {self._process.returncode}"

    def close(self) -> None:
        """Stops it after a checkpoint; one that does not stop in time is killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()


class Trainees:
    """So many processes of ``threads`` each, which train side by side; leaving the context ends them."""

    def __init__(self, count: int, threads: int) -> None:
        self._threads = threads
        self._all = [_Trainee(threads) for _ in range(count)]
        self._opening: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for trainee in self._all:
            trainee.close()

    def open_images(self, training: Training) -> None:
        """Has all of them open the images of ``training``, and returns at once."""
        for trainee in self._all:
            trainee.begin(training, 0.0, 0.0, images_alone=True)
        self._opening = set(range(len(self._all)))

    def train(
        self,
        trainings: Sequence[Training],
        until: float,
        look: Callable[[], None],
        failed: Callable[[Training, str], None],
        least: float = 0.0,
    ) -> None:
        """Trains all at once, no more than there are processes, to the moment ``until`` of the monotonic clock.

        One that begins late is trained for ``least`` seconds. Those that are finished are left alone. ``look`` is called five
        times a second; ``failed`` is told of a training that gave no result, and why.
        """
        running: dict[int, Training] = {}
        for place, training in enumerate(one for one in trainings if not one.is_finished):
            if not self._all[place].is_alive:
                self._all[place].close()
                self._all[place] = _Trainee(self._threads)
                self._opening.discard(place)
            self._all[place].begin(training, until, least)
            running[place] = training
        while running:
            time.sleep(_LOOK_SECONDS)
            look()
            for place, training in list(running.items()):
                reason = self._all[place].ended()
                if reason is None:
                    continue
                if place in self._opening:
                    self._opening.discard(place)
                    if self._all[place].is_alive:
                        continue
                del running[place]
                if reason:
                    failed(training, reason)


def standing(trainings: Sequence[Training], names: Sequence[str]) -> Iterator[str]:
    """Where each of the trainings, called by these ``names``, stands: ``trial 12: epoch 34, accuracy 0.7812``."""
    for one, name in zip(trainings, names, strict=True):
        run = one.run
        metrics = None if run is None else run.metrics
        if metrics is None:
            yield f"{name}: first epoch"
        else:
            yield f"{name}: epoch {metrics['epochs']}, accuracy {metrics['accuracy']:.4f}"
