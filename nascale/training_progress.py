"""Where a training stands: a live panel on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from nascale.progress import PLAIN_SECONDS
from nascale.quantities import human_seconds

if TYPE_CHECKING:
    from rich.console import Group

    from evaluators.trainer.epoch_metrics import EpochMetrics
    from evaluators.trainer.standing import Standing

_PANEL_SECONDS = 0.25
_ROWS = 6
_BAR = 30


class Follower(Protocol):
    """Is shown a training after every step and every epoch, within a ``with``."""

    def __call__(self, training: Standing) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def follower(stream: TextIO | None = None) -> Follower:
    """What follows a training on ``stream`` (standard error)."""
    stream = sys.stderr if stream is None else stream
    return TrainingPanel(stream) if stream.isatty() else TrainingLines(stream)


class TrainingLines:
    """Prints a line after an epoch, at most one in ten seconds, and always after the last."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._written = float("-inf")
        self._shown = 0
        self._training: Standing | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._training is not None and self._training.epoch != self._shown:
            self._write(self._training)

    def __call__(self, training: Standing) -> None:
        """Takes the training; writes a line when one is due."""
        self._training = training
        if training.epoch > self._shown and time.monotonic() - self._written >= PLAIN_SECONDS:
            self._write(training)

    def _write(self, training: Standing) -> None:
        self._written, self._shown = time.monotonic(), training.epoch
        print(line(training), file=self._stream, flush=True)


class TrainingPanel:
    """Shows the last epochs and a bar, four times a second."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=stream), auto_refresh=False)
        self._written = float("-inf")
        self._training: Standing | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._training is not None:
            self._live.update(panel(self._training), refresh=True)
        self._live.stop()

    def __call__(self, training: Standing) -> None:
        """Takes the training; draws it anew when that is due."""
        self._training = training
        moment = time.monotonic()
        if moment - self._written >= _PANEL_SECONDS:
            self._written = moment
            self._live.update(panel(training), refresh=True)


def panel(training: Standing) -> Group:
    """A table of the last epochs, a bar of the whole training, and the line of ``line``."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("epoch", "training loss", "validation loss", "accuracy", "averaged", "learning rate"):
        table.add_column(name, justify="right")
    best = training.best
    for row in training.rows[-_ROWS:]:
        cells = [
            str(row.epoch),
            f"{row.train_loss:.4f}",
            f"{row.validation_loss:.4f}",
            f"{row.accuracy:.4f}",
            "–" if row.average_accuracy is None else f"{row.average_accuracy:.4f}",
            f"{row.learning_rate:.2e}",
        ]
        table.add_row(*cells, style="bold" if best is not None and best.epoch == row.epoch else "")
    full = round(_BAR * share(training))
    bar = Text("━" * full, style="cyan") + Text("━" * (_BAR - full), style="dim")
    return Group(*([table] if training.rows else []), bar + Text(f"  {line(training)}"))


def share(training: Standing) -> float:
    """The share of the training that is done, 0 to 1."""
    return (training.epoch + training.step / training.steps) / training.epochs


def line(training: Standing) -> str:
    """``epoch 12/60 · loss 0.841 · accuracy 0.6120 · best 0.6400 (epoch 11) · 210 images/s · 4 min 10 s left``."""
    rows, epochs = training.rows, training.epochs
    parts = [f"epoch {training.epoch}/{epochs}"]
    if training.step:
        parts += [f"step {training.step}/{training.steps}", f"loss {training.mean_loss:.3f}"]
    elif rows:
        parts.append(f"loss {rows[-1].train_loss:.3f}")
    best = training.best
    if best is not None:
        parts.append(f"accuracy {max(one.score(training.balanced) for one in rows[-1].judged()):.4f}")
        parts.append(f"best {best.score(training.balanced):.4f} (epoch {best.epoch})")
        parts.append(f"{rows[-1].images_per_second:.0f} images/s")
        left = seconds_left(rows, epochs, training.step / training.steps)
        if left > 0 and not training.finished:
            parts.append(f"{human_seconds(left)} left")
    return " · ".join(parts)


def seconds_left(rows: list[EpochMetrics], epochs: int, begun: float = 0.0) -> float:
    """Seconds until the end at the mean speed of the epochs so far; ``begun`` is the share done of the next one."""
    return (epochs - len(rows) - begun) * rows[-1].seconds / len(rows)
