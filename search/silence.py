"""Cuts connections on which nothing moves: a stopped server and a dropped route look like a long wait.

Keep-alive packets find a machine that is gone, statement timeouts a server that is slow. Neither finds a server that holds
the connection and does nothing. So a thread watches: a statement, a commit or a test of the connection that takes
longer than ``SILENT_SECONDS`` has its socket shut, and whoever waits for it gets an error.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from contextlib import suppress
from typing import Any

SILENT_SECONDS = 35.0
"""Beyond the statement timeout of ``search.storage``, which says more about what happened."""


class Watchdog:
    """Watches the connections of one engine of psycopg for as long as the engine lives."""

    def __init__(self, engine: Any) -> None:
        from sqlalchemy import event

        self._busy: dict[int, tuple[float, Any]] = {}
        self._dialect = engine.dialect
        event.listen(engine, "checkout", self._try)
        event.listen(engine, "checkin", self._done)
        event.listen(
            engine, "before_cursor_execute", lambda c, *rest: self._begin(c.connection.dbapi_connection)
        )
        event.listen(
            engine, "after_cursor_execute", lambda c, *rest: self._begin(c.connection.dbapi_connection)
        )
        event.listen(engine, "commit", lambda c: self._begin(c.connection.dbapi_connection))
        engine_lives = weakref.ref(engine)
        threading.Thread(target=self._watch, args=(engine_lives,), name="watchdog", daemon=True).start()

    def _try(self, connection: Any, record: Any, proxy: Any) -> None:
        """Tests a connection before it is used; one that fails is replaced by a new one."""
        from sqlalchemy.exc import InvalidatePoolError

        self._begin(connection)
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error:
            self._done(connection)
            raise InvalidatePoolError from None

    def _begin(self, connection: Any) -> None:
        self._busy[id(connection)] = (time.monotonic(), connection)

    def _done(self, connection: Any, record: Any = None) -> None:
        self._busy.pop(id(connection), None)

    def _watch(self, engine_lives: weakref.ref[Any]) -> None:
        while engine_lives() is not None:
            time.sleep(min(1.0, SILENT_SECONDS / 4))
            for since, connection in list(self._busy.values()):
                if time.monotonic() - since > SILENT_SECONDS:
                    self._done(connection)
                    _cut(connection)


def _cut(connection: Any) -> None:
    # Whatever the driver raises of a connection that was closed meanwhile.
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
