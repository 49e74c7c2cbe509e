"""Runs ``nascale auto``: checks, the lock of the folder, the clock, progress on the screen, Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from nascale.auto.clock import Clock, seconds_since_start
from nascale.auto.prepare import PreparedAuto, prepare
from nascale.auto.spec import AutoSpec
from nascale.auto.state import SPENT, State
from nascale.output import echo
from nascale.stopping import told_when_stopped
from results.files import write_file
from space.errors import InputError

_COUNT_SECONDS = 2.0


def run(spec: AutoSpec, *, quiet: bool = False) -> Sequence[str]:
    """Does all of it, or goes on; returns the last lines."""
    clock = Clock(seconds_since_start())
    prepared = prepare(spec)
    if prepared.state.finished:
        return prepared.state.sentences
    clock = clock.after(prepared.state.spent_seconds)
    return _worked(prepared, clock, quiet).sentences


def _worked(prepared: PreparedAuto, clock: Clock, quiet: bool) -> State:
    from evaluators.trainer.lock import locked
    from nascale.auto import words
    from nascale.auto.publish import recover
    from nascale.auto.stages import Stages
    from nascale.auto.trainings import Trainees
    from nascale.auto.workshop import TRAININGS, Workshop
    from nascale.progress import ProgressLine

    say = (lambda text: None) if quiet else echo
    folder, state = prepared.spec.out, prepared.state
    trainings = folder / TRAININGS
    trainings.mkdir(parents=True, exist_ok=True)
    with told_when_stopped(str(folder)), locked(trainings), ExitStack() as stack:
        recover(folder)
        prepared.begin()
        state.write(clock.spent)
        for line in (f"data {_line(prepared)}", *(f"warning: {one}" for one in prepared.warnings)):
            say(line)
        line_ = (lambda progress: None) if quiet else stack.enter_context(ProgressLine())
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
