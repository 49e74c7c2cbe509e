"""Exporters talk: warnings of their own internals, notes by logging. What they say is left out, errors pass."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log lines below an error while it lasts; logging is as it was afterwards."""
    root = logging.getLogger()
    level, handlers = root.manager.disable, list(root.handlers)
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        # A first line to the root logger makes a handler, which would outlast the export.
        root.handlers[:] = handlers
