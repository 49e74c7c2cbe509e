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
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from space.errors import NascaleError

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag
    from nascale.train_data import TrainingData
    from nascale.train_spec import TrainSpec

_GRACE = 10.0
_CHECKPOINT_SECONDS = 60.0


def main() -> None:
    """Trains what it is told to until nobody tells it anything any more."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends Ctrl-C to all; the driver says when to stop
    # Before anything is asked: importing takes seconds.
    import nascale.train_run  # noqa: F401
    from evaluators.evaluator import StopFlag, Stopped

    stop, trainee = StopFlag(), Trainee()
    requests: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, stop), daemon=True).start()
    while (line := requests.get()) is not None:
        try:
            trainee.train(json.loads(line), stop)
            said = ""
        except Stopped:
            return
        except NascaleError as error:
            said = " ".join(str(error).split())
        print(json.dumps({"error": said}), flush=True)


@dataclass
class Trainee:
    """Keeps the images from one training to the next."""

    _opened: tuple[Any, TrainingData] | None = None

    def train(self, request: Mapping[str, Any], stop: StopFlag) -> None:
        """One training, to its end at the moment ``until`` of the monotonic clock.

        If it begins late, it has ``least`` seconds all the same. A request without a network opens the images alone.
        """
        from nascale.train_run import prepare, run
        from nascale.train_spec import train_spec

        spec = train_spec(request["arch"], request["options"], request["storage"])
        data = self._data(spec, request["storage"])
        if request["out"] is None:
            return
        prepared = prepare(spec, request["out"], request["storage"], measure=False, data=data)
        until = max(request["until"], time.monotonic() + request["least"])
        run(
            prepared,
            checkpoint_seconds=_CHECKPOINT_SECONDS,
            stop=stop,
            seconds_left=lambda: until - time.monotonic(),
        )

    def _data(self, spec: TrainSpec, storage: str) -> TrainingData:
        from nascale.architectures import side_of
        from nascale.train_data import training_data

        # Networks for images of another side have other images.
        key = (
            side_of(spec.arch, storage, 0, spec.resolution),
            spec.data,
            spec.split_seed,
            spec.validation,
            spec.trained_validation,
        )
        if self._opened is None or self._opened[0] != key:
            self._opened = (key, training_data(spec, storage))
        return self._opened[1]


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
