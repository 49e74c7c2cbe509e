"""Runs ``nascale auto``: checks, the lock of the folder, the clock, progress on the screen, Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import click

from nascale.auto.clock import Clock
from nascale.auto.prepare import PreparedAuto, prepare
from nascale.auto.spec import AutoSpec
from nascale.auto.state import State


def run(spec: AutoSpec, *, quiet: bool = False) -> Sequence[str]:
    """Does all of it, or goes on; returns the last lines."""
    clock = Clock()
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

    say = (lambda text: None) if quiet else click.echo
    folder, state = prepared.spec.out, prepared.state
    trainings = folder / TRAININGS
    trainings.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with locked(trainings), ExitStack() as stack:
            recover(folder)
            prepared.begin()
            state.write(clock.spent)
            for line in (f"data {_line(prepared)}", *(f"warning: {one}" for one in prepared.warnings)):
                say(line)
            line_ = (lambda progress: None) if quiet else stack.enter_context(ProgressLine())
            trainees = stack.enter_context(Trainees(prepared.slots, prepared.spec.threads))
            workshop = Workshop(prepared, trainees, clock, say, line_)
            stages = Stages(workshop, state, clock, say)
            workshop.beat = stages.beat
            stages.run()
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on with {folder}", file=sys.stderr)
        raise
    for line in words.spent_lines(state):
        say(line)
    return state


def _line(prepared: PreparedAuto) -> str:
    from evaluators.images.summary import DataSummary

    return DataSummary.of(prepared.images).line()


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
