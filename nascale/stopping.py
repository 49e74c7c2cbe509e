"""Ctrl-C and SIGTERM: the first ends the work in order, and exit status 130 or 143 says which it was."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from results.interruption import interrupt, is_interruption

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_SECONDS = 10.0
"""For how long further signals are not heard while the first one has things put in order."""
_last = signal.SIGINT


def exit_status() -> int:
    """The exit status after an interruption, by a shell's convention: 128 and the number of the signal that came last."""
    return 128 + _last


def hear_nothing() -> None:
    """Has no signal heard any more: while Python ends, one would find the system's own handlers."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def leave(status: int) -> NoReturn:
    """Ends the process without taking it apart, which takes Python seconds where torch and Ray were loaded.

    What was to be put in order has been: an interruption leaves every ``with`` and ``finally`` on its way here.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def stop_once() -> None:
    """Has the first Ctrl-C or SIGTERM raise an exception, so that what runs is put in order; others come too soon for that.

    Those after ten seconds raise one again.
    """
    since = [float("-inf")]

    def handle(number: int, _: object) -> None:
        global _last
        if time.monotonic() - since[0] < _GRACE_SECONDS:
            return
        since[0], _last = time.monotonic(), signal.Signals(number)
        interrupt()

    _install(handle)


def stop_on_signals(stop: StopFlag) -> None:
    """Has Ctrl-C and SIGTERM end the training after a checkpoint; a second one ends it at once."""

    def handle(number: int, _: object) -> None:
        global _last
        _last = signal.Signals(number)
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    _install(handle)


@contextmanager
def told_when_stopped(goes_on_with: str) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM end the work in order, and whoever stops it is told what the same command goes on with.

    Raises KeyboardInterrupt then, also where what was interrupted made another error of it.
    """
    handlers = _handlers()
    stop_once()
    try:
        yield
        _restore(handlers)  # who calls this from Python has their own
    except BaseException as error:
        if not is_interruption(error):
            raise
        print(f"\nstopped; the same command goes on with {goes_on_with}", file=sys.stderr)
        raise KeyboardInterrupt from error


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Inside, Ray starts: it puts handlers of its own in place of ours, which leave the program where SIGTERM comes."""
    global _last
    handlers = _handlers()
    try:
        yield
    except SystemExit:
        _last = signal.SIGTERM
        raise KeyboardInterrupt from None
    finally:
        _restore(handlers)


def _handlers() -> dict[signal.Signals, Any]:
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in handlers.items():
        if handler is not None:  # one that Python did not install cannot be put back
            signal.signal(number, handler)


def _install(handle: object) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # only there can they be heard
    for number in _SIGNALS:
        # A shell has its background jobs ignore Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)  # type: ignore[arg-type]
