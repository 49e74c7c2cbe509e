"""Workers that wait for a place: what is said of them, and for how long a search goes on while none has one.

On a cluster a node may die, and the worker that takes the place of its own fits on no other. The search goes on with
those that can be placed; Ray places the others as soon as there is a node for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from space.errors import RunError

SLOW_SECONDS = 15.0
"""After which a worker that is not up is said to wait for a place: until then it may be starting."""


class Places:
    """Told now and then since when each worker that is not up has been asked for, it says how many wait for a place.

    Times are of ``time.monotonic``, ``patience`` and ``slow`` in seconds. Raises RunError where no worker is up for longer
    than patience lasts.
    """

    def __init__(self, patience: float, say: Callable[[str], None], slow: float = SLOW_SECONDS) -> None:
        self._patience, self._say, self._slow = patience, say, slow
        self._waiting = 0
        self._none_since: float | None = None

    def look(self, asked: Sequence[float], workers: int, moment: float) -> None:
        """``asked`` are the times of those of the ``workers`` that are asked for and not up, at this ``moment``."""
        if len(asked) < workers:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = moment
        elif moment - self._none_since > self._patience:
            raise RunError(
                f"workers: wanted nodes with room for a worker, got none within {self._patience:g} s (--patience)"
            )
        waiting = sum(moment - since > self._slow for since in asked)
        if waiting and waiting != self._waiting:
            rest = f"with the other {workers - waiting}" if waiting < workers else "when there is one"
            self._say(
                f"{waiting} of {workers} workers wait for a place on Ray's nodes; the search goes on {rest}"
            )
        elif self._waiting and not asked:
            self._say(f"all {workers} workers have a place again")
        if waiting or not asked:
            self._waiting = waiting
