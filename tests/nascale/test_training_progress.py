"""Where a training stands, as a line and as a panel."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from rich.console import Console

from evaluators.full_recipe import FullRecipe
from evaluators.trainer.epoch_metrics import EpochMetrics, Judged, best
from evaluators.trainer.full_training import FullTraining
from nascale import training_progress
from nascale.training_progress import TrainingLines, follower, line, panel, seconds_left, share
from tests.evaluators.trainer.test_epoch_metrics import averaged, row


@dataclass
class Shown:
    """As much of a training as is shown."""

    rows: list[EpochMetrics] = field(default_factory=list)
    step: int = 0
    steps: int = 10
    epochs: int = 4
    recipe: FullRecipe = field(default_factory=lambda: FullRecipe(epochs=9))
    mean_loss: float = 1.25
    balanced: bool = False

    @property
    def epoch(self) -> int:
        return len(self.rows)

    @property
    def finished(self) -> bool:
        return self.epoch == self.epochs

    @property
    def best(self) -> Judged | None:
        return best(self.rows)


def shown(*rows: EpochMetrics, **more: Any) -> FullTraining:
    return cast(FullTraining, Shown(list(rows), **more))


ROWS = (row(1, 0.5, **averaged(0.6, 0.9)), row(2, 0.55, **averaged(0.4, 0.8)))


def test_the_line() -> None:
    assert line(shown(step=5)) == "epoch 0/4 · step 5/10 · loss 1.250"
    assert line(shown(*ROWS)) == (
        "epoch 2/4 · loss 2.000 · accuracy 0.5500 · best 0.6000 (epoch 1) · 100 images/s · 3 s left"
    )
    assert line(shown(*ROWS, *ROWS)).endswith("100 images/s")


def test_the_time_left_is_that_of_the_epochs_to_come() -> None:
    assert seconds_left(list(ROWS), 4) == 2 * 1.5
    assert seconds_left(list(ROWS), 4, begun=0.5) == 1.5 * 1.5
    assert share(shown(*ROWS, step=5)) == 2.5 / 4


def test_lines_are_few_and_the_last_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 5.0, 12.0, 12.0, 13.0, 13.0])
    monkeypatch.setattr(training_progress.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with follower(stream) as one:
        assert isinstance(one, TrainingLines)
        for epochs in (1, 2, 3, 4):
            one(shown(*(ROWS * 2)[:epochs]))
    assert [text.split(" ·")[0] for text in stream.getvalue().splitlines()] == [
        "epoch 1/4",
        "epoch 3/4",
        "epoch 4/4",
    ]


def test_the_panel_shows_the_last_epochs_and_a_bar() -> None:
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(panel(shown(*ROWS, step=5)))
    text = console.export_text()
    assert "0.6000" in text and "averaged" in text
    assert text.count("━") == 30
    assert "epoch 2/4 · step 5/10" in text


def test_a_terminal_gets_the_panel() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with follower(stream) as one:
        one(shown(*ROWS))
    assert "epoch 2/4" in stream.getvalue()
