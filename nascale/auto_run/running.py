"""Runs ``nascale auto``: checks, the lock of the folder, the clock, progress on the screen, Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from nascale.auto_run.clock import Clock, seconds_since_start
from nascale.auto_run.prepare import PreparedAuto, prepare
from nascale.auto_run.spec import AutoSpec
from nascale.auto_run.state import SPENT, State
from nascale.stopping import told_when_stopped
from results.files import write_file
from space.errors import InputError

Say = Callable[[str], None]
_COUNT_SECONDS = 2.0


def run(spec: AutoSpec, *, say: Say = lambda text: None, live: bool = False) -> State:
    """Does all of it, or goes on, and returns how it ended; ``say`` is told what goes on, ``live`` shows the search too."""
    clock = Clock(seconds_since_start())
    prepared = prepare(spec)
    if prepared.state.finished:
        return prepared.state
    clock = clock.after(prepared.state.spent_seconds)
    return _worked(prepared, clock, say, live)


def _worked(prepared: PreparedAuto, clock: Clock, say: Say, live: bool) -> State:
    from evaluators.trainer.lock import locked
    from nascale.auto_run import words
    from nascale.auto_run.publish import recover
    from nascale.auto_run.stages import Stages
    from nascale.auto_run.trainings import Trainees
    from nascale.auto_run.workshop import TRAININGS, Workshop
    from nascale.progress import ProgressLine

    folder, state = prepared.spec.out, prepared.state
    trainings = folder / TRAININGS
    trainings.mkdir(parents=True, exist_ok=True)
    with told_when_stopped(str(folder)), locked(trainings), ExitStack() as stack:
        recover(folder)
        prepared.begin()
        state.write(clock.spent)
        for line in (f"data {_line(prepared)}", *(f"warning: {one}" for one in prepared.warnings)):
            say(line)
        line_ = stack.enter_context(ProgressLine()) if live else (lambda progress: None)
        stack.enter_context(_counting(folder, clock))
        trainees = stack.enter_context(Trainees(prepared.slots, prepared.spec.threads))
        workshop = Workshop(prepared, trainees, clock, say, line_)
        stages = Stages(workshop, state, clock, say)
        workshop.beat = stages.beat
        stages.run()
    for line in words.spent_lines(state):
        say(line)
    return state


@contextmanager
def _counting(folder: Path, clock: Clock) -> Iterator[None]:
    """Writes the seconds spent every other second, whatever else goes on."""
    over = threading.Event()

    def count() -> None:
        while not over.wait(_COUNT_SECONDS):
            with suppress(InputError):
                write_file(folder / SPENT, repr(clock.spent).encode(), "--out")

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        (folder / SPENT).unlink(missing_ok=True)


def _line(prepared: PreparedAuto) -> str:
    from evaluators.images.summary import DataSummary

    return DataSummary.of(prepared.images).line()
