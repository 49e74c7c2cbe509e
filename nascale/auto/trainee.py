"""Full trainings in a process of its own: each comes as a line of JSON on standard input, and its end is told as one.

When the other end closes standard input, for whatever reason, the training stops after a checkpoint and the process ends. So no
training outlives the command that started it, also where that is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from space.errors import NascaleError

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag

_GRACE = 10.0
_CHECKPOINT_SECONDS = 60.0


def main() -> None:
    """Trains what it is told to until nobody tells it anything any more."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends Ctrl-C to all; the driver says when to stop
    from evaluators.evaluator import StopFlag, Stopped

    # Before anything is asked: importing takes seconds.
    from nascale import train_run  # noqa: F401

    stop = StopFlag()
    requests: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, stop), daemon=True).start()
    while (line := requests.get()) is not None:
        try:
            _train(json.loads(line), stop)
            said = ""
        except Stopped:
            return
        except NascaleError as error:
            said = " ".join(str(error).split())
        print(json.dumps({"error": said}), flush=True)


def _train(request: Mapping[str, Any], stop: StopFlag) -> None:
    """One training, to its end at the moment ``until`` of the monotonic clock."""
    from nascale.train_run import prepare, run
    from nascale.train_spec import train_spec

    spec = train_spec(request["arch"], request["options"], request["storage"])
    prepared = prepare(spec, request["out"], request["storage"], measure=False)
    run(
        prepared,
        checkpoint_seconds=_CHECKPOINT_SECONDS,
        stop=stop,
        seconds_left=lambda: request["until"] - time.monotonic(),
    )


def _listen(requests: SimpleQueue[str | None], stop: StopFlag) -> None:
    """Passes requests on; at their end stops the training, and the process if that takes too long."""
    for line in sys.stdin:
        requests.put(line)
    stop.set()
    requests.put(None)
    time.sleep(_GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
