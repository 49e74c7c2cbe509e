"""A training in its folder: whatever stops it, it ends with the same files; what cannot go on is refused."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from evaluators.evaluator import StopFlag, Stopped
from evaluators.images.image_set import ImageSet
from evaluators.trained.run_folder import Preprocessing, TrainedRun, open_run
from evaluators.trainer import run_training
from evaluators.trainer.full_training import FullTraining
from evaluators.trainer.lock import check_unlocked, locked
from evaluators.trainer.run_training import RunTraining
from space.blocks import Auxiliary, Dense, GlobalPool
from space.errors import InputError
from tests.evaluators.test_training import NET
from tests.evaluators.trainer.test_full_training import training

DATA = {"text": "digits", "seed": 0, "validation": 0.2, "skip_bad": False, "size": None}


def new_run(folder: Path, images: ImageSet) -> TrainedRun:
    folder.mkdir()
    mean, std = images.statistics
    return TrainedRun(
        folder=folder,
        architecture=NET,
        classes=images.classes,
        preprocessing=Preprocessing(resolution=NET.resolution, mean=mean, std=std),
        spec={"epochs": 2, "keep": "latest"},
        data=DATA,
        described=images.describe(),
        provenance={},
    ).write()


def timeless(folder: Path) -> dict[str, Any]:
    """What is in the files of a run, without times."""
    rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    timed = {rows[0].index("seconds"), rows[0].index("images_per_second")}
    document = json.loads((folder / "run.json").read_text())
    document["metrics"].pop("seconds")
    return {
        "rows": [[cell for i, cell in enumerate(row) if i not in timed] for row in rows],
        "run": document,
        "best": (folder / "best.safetensors").read_bytes(),
        "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*")),
    }


@pytest.fixture(scope="module")
def whole(digits: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = RunTraining(new_run(folder, digits))(training(digits))
    assert done.finished and open_run(folder) == done
    return timeless(folder)


class Killed(BaseException):
    """Ends a training as a kill does: nothing of ours catches it."""


WRITES = ["save_weights", "write_checkpoint", "write_file"]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_between_any_two_files_changes_nothing(
    digits: ImageSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: dict[str, Any],
    name: str,
    when: str,
) -> None:
    run = new_run(tmp_path / "run", digits)
    write = getattr(run_training, name)

    def killed(*arguments: Any) -> None:
        if when == "after":
            write(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run_training, name, killed)
        with pytest.raises(Killed):
            RunTraining(run)(training(digits))
    (run.folder / ".best.abc123.safetensors").write_bytes(b"half a file")
    RunTraining(open_run(run.folder))(training(digits))
    assert timeless(run.folder) == whole


def test_a_stop_at_any_step_changes_nothing(digits: ImageSet, tmp_path: Path, whole: dict[str, Any]) -> None:
    run, stops = new_run(tmp_path / "run", digits), 0
    for _ in range(50):
        stop = StopFlag()
        shown: list[tuple[int, int]] = []

        def follow(one: FullTraining, stop: StopFlag = stop, shown: list[tuple[int, int]] = shown) -> None:
            shown.append((one.epoch, one.step))
            if shown[0] != shown[-1]:
                stop.set()

        try:
            RunTraining(open_run(run.folder), stop=stop, follow=follow)(training(digits))
            break
        except Stopped:
            stops += 1
    assert stops > 5
    assert timeless(run.folder) == whole


def test_checkpoints_are_written_within_an_epoch(digits: ImageSet, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", digits)

    def kill(training: FullTraining) -> None:
        if training.step == 3:
            raise Killed

    with pytest.raises(Killed):
        RunTraining(run, checkpoint_seconds=0.0, follow=kill)(training(digits))
    one = training(digits)
    assert RunTraining(run)._goes_on(one)
    assert (one.epoch, one.step) == (0, 2)


def test_the_best_weights_are_those_of_inference(digits: ImageSet, tmp_path: Path) -> None:
    helped = NET.replace(stem=(*NET.stem, Auxiliary((GlobalPool(), Dense()), weight=0.3)))
    run = new_run(tmp_path / "run", digits).write(architecture=helped)
    done = RunTraining(run)(training(digits, helped, epochs=1))
    assert done.weights().keys() == done.network().state_dict().keys()
    assert not [name for name in load_file(run.folder / "best.safetensors") if name.startswith("stem.1")]


def test_metrics_as_json_lines(digits: ImageSet, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", digits)
    done = RunTraining(run, json_lines=True)(training(digits))
    rows = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert done.metrics is not None
    kept = rows[done.metrics["epoch"] - 1]
    assert max(kept["accuracy"], kept["average_accuracy"]) == done.metrics["accuracy"]


def test_a_checkpoint_that_does_not_fit_or_is_gone_is_refused(digits: ImageSet, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", digits)
    done = RunTraining(run)(training(digits, epochs=1))
    other = NET.replace(stem=NET.stem * 2)
    with pytest.raises(InputError, match="cut off or damaged"):
        RunTraining(done)(training(digits, other))
    (run.folder / "best.safetensors").unlink()
    with pytest.raises(InputError, match=r"its weights, best.safetensors"):
        RunTraining(done)(training(digits))
    (run.folder / "last" / "checkpoint.pt").unlink()
    with pytest.raises(InputError, match=r"its checkpoint last/checkpoint.pt"):
        RunTraining(done)(training(digits))


def test_a_new_run_is_begun_once(digits: ImageSet, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", digits)
    with pytest.raises(InputError, match="in which a run has begun meanwhile"):
        RunTraining(run, new=True)(training(digits))
    (run.folder / "run.json").unlink()
    assert RunTraining(run, new=True)(training(digits, epochs=1)).finished


def hold(folder: Path, ready: Any, done: Any) -> None:
    with locked(folder):
        ready.set()
        done.wait(30)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready, done))
    process.start()
    assert ready.wait(60)
    for enter in (lambda: check_unlocked(tmp_path), lambda: locked(tmp_path).__enter__()):
        with pytest.raises(
            InputError, match=rf"nobody is training.* which process {process.pid} is training"
        ):
            enter()
    process.kill()
    process.join()
    check_unlocked(tmp_path)
    with locked(tmp_path):
        pass
