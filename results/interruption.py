"""Ctrl-C between two steps and not in the middle of one: a database's transaction is done whole, or not at all.

An exception that a signal raises anywhere finds libraries in states that they do not expect: SQLAlchemy's own checks fail then,
and what comes out is no longer an interruption.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0
_waiting = False


def interrupt() -> None:
    """What a signal's handler calls. Raises KeyboardInterrupt, at the end of a ``whole`` step where one is being done.

    The second call in one step raises at once: the step may be waiting for something that does not come.
    """
    global _waiting
    if _depth and not _waiting:
        _waiting = True
        return
    _waiting = False
    raise KeyboardInterrupt


@contextmanager
def whole() -> Iterator[None]:
    """A short step of the main thread that is not to be interrupted. Raises KeyboardInterrupt at its end where it was to be."""
    global _depth, _waiting
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is heard here
        return
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _waiting and not _depth:
            _waiting = False
            raise KeyboardInterrupt


def is_interruption(error: BaseException | None) -> bool:
    """Whether an error is a KeyboardInterrupt, or was raised while one was being handled."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error is not None
