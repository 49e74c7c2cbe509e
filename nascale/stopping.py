"""Ctrl-C and SIGTERM for a training that can go on."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag


def stop_on_signals(stop: StopFlag) -> None:
    """Has Ctrl-C and SIGTERM end the training after a checkpoint; a second one ends it at once."""

    def handle(number: int, _: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
