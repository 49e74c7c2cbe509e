"""A training in its folder: checkpoints, metrics and the kept weights, whole at every moment.

The order of what is written at the end of an epoch makes a kill at any moment harmless: first the kept weights, then
the checkpoint, then ``metrics.csv`` and ``run.json``, which both follow from the checkpoint. A training that goes on
writes those two again, and takes the steps since its checkpoint again, to the same weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from evaluators.evaluator import StopFlag, Stopped
from evaluators.network import build
from evaluators.trained.run_folder import BEST, LAST, METRICS, RUN, TrainedRun, save_weights
from evaluators.trainer.checkpoint import CHECKPOINT, damaged, read_checkpoint, write_checkpoint
from evaluators.trainer.epoch_metrics import as_csv, as_records
from evaluators.trainer.full_training import FullTraining
from evaluators.trainer.lock import locked
from results.files import write_file
from space.errors import InputError

JSON_LINES = "metrics.jsonl"
Follow = Callable[[FullTraining], None]
Pace = Callable[[FullTraining], int | None]


@dataclass(frozen=True)
class RunTraining:
    """How a training is carried out in the folder of ``run``, which is made where it is ``new``.

    ``follow`` is called after every step and every epoch. ``json_lines`` writes the metrics as JSON lines too. ``pace``
    decides with which step the training ends; a run that is a repetition has the ``ends`` of the one that it repeats.
    """

    run: TrainedRun
    _: KW_ONLY
    new: bool = False
    checkpoint_seconds: float = 300.0
    json_lines: bool = False
    stop: StopFlag = field(default_factory=StopFlag)
    follow: Follow = lambda training: None
    pace: Pace = lambda training: None

    def __call__(self, training: FullTraining) -> TrainedRun:
        """Trains to the end, from the checkpoint where there is one; returns the finished run.

        Raises Stopped once ``stop`` is set, after a checkpoint; Diverged; InputError for a folder that another process
        trains in, that cannot be written, or whose checkpoint is damaged.
        """
        with locked(self._last()):
            _remove_leftovers(self.run.folder)
            if self.new:
                self._begin()
            if self._goes_on(training):
                self._tell(training)
                self.follow(training)
            saved = time.monotonic()
            self._keep_pace(training)
            while not training.finished:
                try:
                    self.stop.check()
                    if training.epoch_is_trained:
                        training.judge(self.stop)
                        self._keep_pace(training)
                        self._save_epoch(training)
                        saved = time.monotonic()
                    else:
                        training.advance()
                        self._keep_pace(training)
                except Stopped:
                    self._save(training)
                    raise
                self.follow(training)
                if time.monotonic() - saved >= self.checkpoint_seconds:
                    self._save(training)
                    saved = time.monotonic()
            return self._tell(training)

    def begin(self) -> None:
        """Writes the new run alone, for others to train. Raises InputError where they do already."""
        with locked(self._last()):
            self._begin()

    def _last(self) -> Path:
        """The folder of the checkpoint, made where it is missing."""
        last = self.run.folder / LAST
        try:
            last.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError.of(
                "--out", "a folder that can be written", f"{last} ({error.strerror})"
            ) from None
        return last

    def _begin(self) -> None:
        """Writes the new run, unless another process was faster."""
        if (self.run.folder / RUN).exists():
            raise InputError.of(
                "--out", "a new folder", f"{self.run.folder}, in which a run has begun meanwhile"
            )
        self.run.write()

    def _goes_on(self, training: FullTraining) -> bool:
        """Whether ``training`` was set to where the checkpoint stands."""
        path = self.run.folder / LAST / CHECKPOINT
        state = read_checkpoint(path)
        if state is None:
            if self.run.metrics is not None:
                raise InputError.of(
                    "--out", f"a run with its checkpoint {LAST}/{CHECKPOINT}", f"{path.parent} without"
                )
            return False
        try:
            training.restore(state)
        except (KeyError, RuntimeError, ValueError, TypeError):
            raise damaged(path) from None
        if training.rows and not (self.run.folder / BEST).exists():
            raise InputError.of("--out", f"a run with its weights, {BEST}", f"{self.run.folder} without")
        return True

    def _keep_pace(self, training: FullTraining) -> None:
        """Moves the end of the training: to where it was moved at this step before, or to where ``pace`` has it."""
        if training.finished:
            return
        known = dict(self.run.ends)
        total = known[training.done] if training.done in known else self.pace(training)
        if total is not None and total != training.schedule.total:
            training.end_with(total)

    def _save(self, training: FullTraining) -> None:
        write_checkpoint(self.run.folder / LAST / CHECKPOINT, training.state())

    def _save_epoch(self, training: FullTraining) -> None:
        kept = training.kept
        assert kept is not None
        if kept.epoch == training.epoch:
            weights = training.weights(kept.weights)
            inference = build(self.run.architecture, seed=None).state_dict()
            save_weights(self.run.folder / BEST, {name: weights[name] for name in inference})
        self._save(training)
        self._tell(training)

    def _tell(self, training: FullTraining) -> TrainedRun:
        """Writes what follows from the checkpoint: metrics, and the run with the epoch whose weights are kept."""
        folder, rows, kept = self.run.folder, training.rows, training.kept
        write_file(folder / METRICS, as_csv(rows), "--out")
        if self.json_lines:
            lines = "".join(f"{json.dumps(row)}\n" for row in as_records(rows))
            write_file(folder / JSON_LINES, lines.encode(), "--out")
        found = kept and {
            "epoch": kept.epoch,
            "accuracy": kept.accuracy,
            "balanced_accuracy": kept.balanced_accuracy,
            "loss": kept.loss,
            "weights": kept.weights,
            "epochs": training.epoch,
            "stopped_early": training.stopped_early,
            "seconds": training.seconds,
        }
        return self.run.write(metrics=found, finished=training.finished, ends=tuple(training.ends))


def _remove_leftovers(folder: Path) -> None:
    """Removes the half-written files of a process that was killed while it wrote (see ``results.files``)."""
    for file in (RUN, METRICS, BEST, JSON_LINES, f"{LAST}/{CHECKPOINT}"):
        target = folder / file
        for path in target.parent.glob(f".{target.stem}.*{target.suffix}"):
            path.unlink(missing_ok=True)
