"""Where long work stands: one live line on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO, TypeVar

from nascale.quantities import human_seconds
from nascale.stopping import told_when_stopped

if TYPE_CHECKING:
    from search.progress import Progress

T = TypeVar("T")
LIVE_SECONDS, PLAIN_SECONDS = 0.1, 10.0


def epoch_lines(name: str, say: Callable[[str], None]) -> Callable[[int, int, float, float], None]:
    """Says after the first epoch, and then after every tenth part of them, where the training of ``name`` stands."""
    said = [-1]

    def report(epoch: int, epochs: int, loss: float, seconds: float) -> None:
        part = epoch * 10 // epochs
        if part != said[0] or epoch == epochs:
            say(f"{name}: epoch {epoch} of {epochs}, training loss {loss:.3f}, {human_seconds(seconds)}")
        said[0] = part

    return report


def followed(
    work: Callable[[Callable[[Progress], None], Callable[[str], None]], T],
    study: str,
    say: Callable[[str], None],
    *,
    quiet: bool,
) -> T:
    """What ``work(report, say)`` returns, with a progress line while it runs; ``quiet`` shows neither.

    SIGTERM stops like Ctrl-C, and whoever stops it is told that the study goes on.
    """
    with told_when_stopped(f"study {study}"):
        if quiet:
            return work(lambda progress: None, lambda text: None)
        with ProgressLine() as line_:
            return work(line_, say)


class ProgressLine:
    """Call it with a search's progress as often as you like; it writes as often as is useful.

    On a terminal the line is rewritten in place. Elsewhere a line is printed when a trial ends, at most one
    every ``PLAIN_SECONDS``, and the last one always. A context manager: leaving it ends the line.
    """

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty() if live is None else live
        self._written = 0.0
        self._shown = -1
        self._width = 0
        self._started = time.monotonic()
        self._latest: Progress | None = None

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, progress: Progress) -> None:
        """Takes the progress; writes a line when one is due."""
        self._latest = progress
        moment = time.monotonic()
        if moment - self._written < (LIVE_SECONDS if self._live else PLAIN_SECONDS):
            return
        if self._live or progress.finished != self._shown:
            self._write(progress, moment)

    def close(self) -> None:
        """Writes the last state and ends the line."""
        if self._latest is not None and (self._live or self._latest.finished != self._shown):
            self._write(self._latest, time.monotonic())
        if self._live and self._width:
            print(file=self._stream, flush=True)
        self._latest = None

    def _write(self, progress: Progress, moment: float) -> None:
        text = line(progress, moment - self._started)
        self._written, self._shown = moment, progress.finished
        if self._live:
            print("\r" + text.ljust(self._width), end="", file=self._stream, flush=True)
            self._width = len(text)
        else:
            print(text, file=self._stream, flush=True)


def line(progress: Progress, seconds: float) -> str:
    """``12/40 trials · best 0.9611 · 14.2 trials/min · 1 min 58 s left · 2 running · 1 reused``."""
    unit = progress.unit
    parts = [f"{progress.finished}/{progress.total} {unit}"]
    if progress.best_accuracy is not None:
        parts.append(f"best {progress.best_accuracy:.4f}")
    if progress.new and seconds > 0:
        rate = progress.new / seconds
        parts.append(f"{60 * rate:.1f} {unit}/min" if rate < 100 else f"{60 * rate:.0f} {unit}/min")
        if left := progress.seconds_left(rate):
            parts.append(f"{human_seconds(left)} left")
    counts = {
        "running": progress.running,
        "reused": progress.reused,
        "pruned": progress.pruned,
        "failed": progress.failed,
        "infeasible": progress.infeasible,
    }
    parts += [f"{count} {name}" for name, count in counts.items() if count]
    return " · ".join(parts)
