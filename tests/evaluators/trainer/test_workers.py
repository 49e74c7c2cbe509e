"""Workers that Ray Train starts: one is killed for real, and the training goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from evaluators.data import load
from evaluators.evaluator import StopFlag, Stopped
from evaluators.images.image_set import ImageSet
from evaluators.trained.run_folder import open_run
from evaluators.trainer import workers
from evaluators.trainer.run_training import RunTraining
from evaluators.trainer.standing import Snapshot, Standing
from evaluators.trainer.workers import Workers, train_together
from space.errors import InputError
from tests.evaluators.trainer.test_full_training import training
from tests.evaluators.trainer.test_run_training import new_run, timeless
from tests.evaluators.trainer.test_shared_training import NET, share, together

pytest.importorskip("pydantic", reason="Ray Train needs the extra nascale[distributed]")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")


def shared(images: ImageSet, team: object) -> Any:
    return share(images, NET, epochs=12)


def leader(folder: Path) -> int:
    """The process that holds the run's lock."""
    return int(json.loads((folder / "last" / "lock").read_text())["pid"])


def carried_out(folder: str) -> None:
    """Trains in ``folder`` to the end, without Ray."""
    one = shared(load("digits"), None)
    if one.team.leads:
        RunTraining(open_run(folder))(one)
        one.end()
    else:
        one.follow()


@pytest.mark.slow
@pytest.mark.timeout(400)  # Ray Train starts the workers twice
def test_a_killed_worker_and_a_stop_change_nothing(
    ray_session: None, digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leader is killed, so all start anew; then the training is stopped, and gone on with to its end."""
    monkeypatch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.1")
    run, stop = new_run(tmp_path / "run", digits), StopFlag()
    killed: list[int] = []
    seen: list[Standing] = []

    def disturb(standing: Standing) -> None:
        seen.append(standing)
        pid = leader(run.folder)
        if not killed and standing.epoch >= 2:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        if killed and pid != killed[0]:
            stop.set()

    with pytest.raises(Stopped):
        train_together(
            run,
            shared,
            digits,
            Workers(count=2, threads=1, gpu=False),
            new=False,
            checkpoint_seconds=0.0,
            json_lines=False,
            stop=stop,
            follow=disturb,
        )
    assert len(killed) == 1
    stopped = open_run(run.folder)
    assert stopped.metrics is not None and stopped.metrics["epochs"] == seen[-1].epoch >= 2
    assert sorted(path.name for path in (run.folder / "last").iterdir()) == ["checkpoint.pt", "lock"]
    whole = new_run(tmp_path / "whole", digits)
    for folder in (run.folder, whole.folder):
        (tmp_path / "meet").unlink(missing_ok=True)
        together(tmp_path, carried_out, str(folder))
    assert timeless(run.folder) == timeless(whole.folder)


def test_too_many_workers_are_refused(ray_session: None, digits: ImageSet, tmp_path: Path) -> None:
    many = Workers(count=1000, threads=1, gpu=False)
    with pytest.raises(InputError, match=r"workers: wanted at most the \d+ processors"):
        many.check()
    for wanted, each in (
        (Workers(count=5, threads=1, gpu=False), "1 processors each"),
        (Workers(count=2, threads=3, gpu=False), "3 processors each"),
        (Workers(count=1, threads=1, gpu=True), "1 processors and a GPU each"),
    ):
        with pytest.raises(InputError, match=rf"workers: wanted at most \d: so many of {each} fit"):
            workers._placed(wanted)
    assert workers._placed(Workers(count=2, threads=2, gpu=None)).gpu is False


def test_a_snapshot_shows_what_the_training_shows(digits: ImageSet) -> None:
    one = training(digits, epochs=1)
    one.advance()
    snapshot = Snapshot.of(one)
    assert (snapshot.epoch, snapshot.step, snapshot.steps) == (0, 1, one.steps)
    assert (snapshot.mean_loss, snapshot.best, snapshot.finished) == (one.mean_loss, None, False)
