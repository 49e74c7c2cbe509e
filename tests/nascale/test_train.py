"""``nascale train``: a run from the command line, killed and gone on with, and what it refuses."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

import evaluators.trainer.speed
import nascale
from evaluators.trained.run_folder import open_run
from evaluators.trainer.full_training import FullTraining
from evaluators.trainer.speed import Speed
from nascale.cli import run as call
from nascale.train_run import prepare, run
from nascale.train_spec import train_spec
from space.codec import to_json
from space.errors import InputError
from tests.evaluators.test_training import NET
from tests.evaluators.trainer.test_run_training import timeless
from tests.factories import sqlite_study

QUICK = ("--epochs", "2", "--fraction", "0.3", "--threads", "1", "--device", "cpu")


@pytest.fixture
def arch(tmp_path: Path) -> str:
    path = tmp_path / "net.json"
    path.write_text(to_json(NET))
    return str(path)


def test_a_run_is_made_and_once_finished_left_alone(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    line = ["train", arch, "--data", "digits", "--out", str(out), *QUICK]
    assert call(line) == 0
    said = capsys.readouterr().out
    assert "images: shifts of up to 1 pixel, flips\n" in said and "average of the weights (0.998)" in said
    assert "2 epochs of about" in said and "on 1 processor" in said
    assert "kept: epoch" in said
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert call(line) == 0
    assert "is finished; nothing was done" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    document = json.loads((out / "run.json").read_text())
    assert document["spec"]["threads"] == 1 and document["finished"]
    assert document["data"]["text"] == "digits"
    for changed in (["--epochs", "3"], ["--seed", "1"], ["--learning-rate", "0.01"], ["--keep", "highest"]):
        assert call([*line, *changed]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: --out: wanted the settings with which the run began")
        assert f"{changed[0][2:].replace('-', '_')} " in error and f"now {changed[1]}" in error.replace(
            "'", ""
        )


OPTIONS = {"data": "digits", "epochs": 6, "fraction": 0.3, "threads": 1, "device": "cpu", "ema": 0.9}


@pytest.mark.slow
def test_real_kills_at_random_change_nothing(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGTERM once, SIGKILL twice at random, then to the end: all files as of an uninterrupted training."""
    before = torch.get_num_threads()
    run(prepare(train_spec(arch, OPTIONS), tmp_path / "whole"))
    torch.set_num_threads(before)
    out = tmp_path / "killed"
    line = ["train", arch, "--out", str(out), *(f"--{name}={value}" for name, value in OPTIONS.items())]
    line += ["--checkpoint-minutes", "0.002", "--quiet"]
    draw = random.Random()
    endings = [started(line, out, capsys).terminated()]
    endings += [started(line, out, capsys).killed(draw.uniform(0, 0.4)) for _ in range(2)]
    last = started(line, out, capsys)
    last.go_on()
    endings.append(last.ended())
    assert endings[0] == 128 + signal.SIGTERM and endings[-1] == 0
    assert -signal.SIGKILL in endings
    killed, whole = timeless(out), timeless(tmp_path / "whole")
    for document in (killed["run"], whole["run"]):
        document.pop("provenance")
    assert killed == whole


@dataclass
class Started:
    """A process that runs one command line: it has begun to train, and is stopped there until it is told to go on."""

    process: multiprocessing.process.BaseProcess

    def ended(self) -> int | None:
        self.process.join(60)
        return self.process.exitcode

    def terminated(self) -> int | None:
        self.process.terminate()
        self.go_on()
        return self.ended()

    def killed(self, seconds: float) -> int | None:
        self.go_on()
        time.sleep(seconds)
        self.process.kill()
        return self.ended()

    def go_on(self) -> None:
        _signal(self.process, signal.SIGCONT)


def started(line: list[str], out: Path, capsys: pytest.CaptureFixture[str]) -> Started:
    context = multiprocessing.get_context("forkserver")
    # What takes seconds to import is imported once, by the server of which all processes are copies.
    context.set_forkserver_preload(["torch._dynamo", "evaluators.trainer.run_training", "sklearn.datasets"])
    process = context.Process(target=called, args=(line,))
    process.start()
    while process.is_alive() and not _at_work(out, process.pid):
        time.sleep(0.005)
    _signal(process, signal.SIGSTOP)
    if process.is_alive() and not (out / "last" / "checkpoint.pt").exists():
        assert call(line) == 2  # another process cannot train there
        assert f"which process {process.pid} is training" in capsys.readouterr().err
    return Started(process)


def called(line: list[str]) -> None:
    sys.exit(call(line))


def _signal(process: multiprocessing.process.BaseProcess, number: signal.Signals) -> None:
    """Sends a signal to a process that has perhaps ended."""
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, number)


def _at_work(out: Path, pid: int | None) -> bool:
    try:
        return bool(json.loads((out / "last" / "lock").read_text())["pid"] == pid)
    except (OSError, ValueError):
        return False


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert call(["train", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def test_bad_input_is_one_line_and_writes_nothing(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    digits = ["--data", "digits", "--out", str(out)]
    (tmp_path / "w.pt").write_bytes(b"no weights")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").write_bytes(b"")
    for words, wanted in (
        ([arch, "--out", str(out)], "--data: wanted the images"),
        ([arch, "--data", "digits"], "Missing option '--out'"),
        ([arch, *digits, "--epochs", "3", "--within", "1min"], "within: wanted either"),
        ([arch, *digits, "--within", "1ms"], "within: wanted time for an epoch"),
        ([arch, *digits, "--batch-size", "2000"], "batch_size: wanted at most the 1151 training images"),
        ([arch, *digits, "--init", str(tmp_path / "w.pt")], "--init: wanted a whole file"),
        ([arch, *digits, "--teacher", "lenet5"], "teacher_weights: wanted the file"),
        ([arch, *digits, "--temperature", "2"], "temperature: wanted a --teacher"),
        ([arch, *digits, "--recipe", "short"], "recipe: wanted full or search"),
        (["resnet18@classes=7,resolution=32", *digits], "ARCH: wanted a network for the 10 classes"),
        (["resnet18@resolution=32", *digits, "--resolution", "64"], "resolution: wanted one"),
        (["nonet", *digits], "no such name 'nonet'"),
        ([arch, "--data", "digits", "--out", str(tmp_path / "w.pt")], "--out: wanted a folder"),
        ([arch, "--data", "digits", "--out", str(tmp_path / "full")], "--out: wanted a new or empty folder"),
        ([arch, "--data", "digits", "--out", str(tmp_path / "w.pt" / "r")], "--out: wanted a folder"),
        ([arch, "--data", "digits", "--out", "/proc/run"], "--out: wanted a folder that can be written"),
    ):
        assert wanted in refused(words, capsys), words
        assert not out.exists()


def test_workers_that_cannot_be_had_are_refused(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pydantic", reason="Ray Train needs the extra nascale[distributed]")
    out = tmp_path / "run"
    line = [arch, "--data", "digits", "--out", str(out), "--device", "cpu", "--workers"]
    for words, wanted in (
        (["0"], "workers: wanted a positive whole number"),
        (["2", "--threads", "500"], "processors of this machine, got '2 workers of 500 each'"),
        (["1000"], "batch_size: wanted"),
        (["2", "--batch-size", "600"], "got '2 workers of 600 each'"),
        (["2", "--ray-address", "127.0.0.1:1", "--within", "1h"], "within: wanted epochs"),
    ):
        assert wanted in refused([*line, *words], capsys), words
        assert not out.exists()


def test_a_ray_cluster_that_is_not_there_is_refused(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pydantic", reason="Ray Train needs the extra nascale[distributed]")
    import ray

    if ray.is_initialized():
        pytest.skip("another test has started Ray in this process, and that one would be used")
    out = tmp_path / "run"
    line = [arch, "--data", "digits", "--out", str(out), "--device", "cpu", "--workers", "2"]
    assert "ray_address: wanted a running Ray cluster" in refused(
        [*line, "--ray-address", "127.0.0.1:1"], capsys
    )
    assert not out.exists()


def test_a_damaged_checkpoint_is_refused_in_one_line(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    spec = train_spec(arch, {"data": "digits", "epochs": 2, "fraction": 0.3, "device": "cpu"})
    done = run(prepare(spec, out))
    done.write(finished=False)
    path = out / "last" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000])
    words = [
        arch,
        "--data",
        "digits",
        "--out",
        str(out),
        "--epochs",
        "2",
        "--fraction",
        "0.3",
        "--device",
        "cpu",
    ]
    assert "cut off or damaged" in refused(words, capsys)


def test_time_is_made_into_epochs_which_a_run_keeps(arch: str, tmp_path: Path) -> None:
    spec = train_spec(arch, {"data": "digits", "within": "3s", "device": "cpu"})
    prepared = prepare(spec, tmp_path / "run")
    assert prepared.speed is not None
    epochs = prepared.spec.training.epochs
    assert epochs == int(0.95 * 3 / prepared.speed.epoch_seconds) >= 1
    prepared.run.folder.mkdir()
    prepared.run.write()
    again = prepare(spec, tmp_path / "run")
    assert again.goes_on and again.spec == prepared.spec


def test_a_time_that_fits_more_epochs_than_planned_is_used(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = evaluators.trainer.speed.measured_speed

    def too_slow(training: FullTraining) -> Speed:
        found = measured(training)
        return replace(found, step_seconds=1.8 / found.steps, judge_seconds=0.0)

    monkeypatch.setattr(evaluators.trainer.speed, "measured_speed", too_slow)
    out = tmp_path / "run"
    line = ["train", arch, "--data", "digits", "--out", str(out), *QUICK[2:], "--within", "6s"]
    assert call(line) == 0
    output = capsys.readouterr()
    done = open_run(out)
    assert done.finished and done.metrics is not None and done.spec["epochs"] == 3
    epochs = done.metrics["epochs"]
    assert epochs > 3 and f"epoch {epochs}/{epochs} " in output.err
    assert f"{epochs} epochs fitted into the time, 3 had been planned\n" in output.out
    assert done.ends and (out / "metrics.csv").read_text().count("\n") == epochs + 1
    assert call(line) == 0
    assert "is finished; nothing was done" in capsys.readouterr().out


def test_a_run_of_an_earlier_version_keeps_the_weights_that_it_kept(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    spec = train_spec(arch, {"data": "digits", "epochs": 2, "fraction": 0.3, "threads": 1, "device": "cpu"})
    begun = run(prepare(spec, out))
    document = json.loads((out / "run.json").read_text())
    assert document["spec"].pop("keep") == "latest"  # earlier versions had no such setting
    (out / "run.json").write_text(json.dumps(document | {"finished": False}))
    prepared = prepare(spec, out)
    assert prepared.goes_on and prepared.spec.training.keep == "highest"
    asked = replace(spec, training=replace(spec.training, keep="latest"))
    with pytest.raises(InputError, match="keep 'highest', now 'latest'"):
        prepare(asked, out)
    assert begun.spec["keep"] == "latest"


def test_a_training_can_learn_from_most_of_the_validation_images(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    line = ["train", arch, "--data", "digits", "--out", str(out), *QUICK, "--trained-validation", "0.8"]
    assert call(line) == 0
    said = capsys.readouterr().out
    assert (
        "validation: drawn from the training images: 0.2 of each class, seed 0, without 227 that are trained on\n"
        in said
    )
    run_ = open_run(out)
    images = run_.images()
    assert (len(images.train), len(images.validation)) == (1378, 60)
    assert run_.described["split"]["validation"] == 60
    assert call(["test", str(out)]) == 0
    capsys.readouterr()
    assert call([*line[:-2]]) == 2
    assert "trained_validation 0.8, now 0.0" in capsys.readouterr().err
    assert call([*line[:-1], "1"]) == 2
    assert "trained_validation: wanted a share in [0, 1), got 1" in capsys.readouterr().err


def test_a_start_from_weights_says_what_fits(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "first"
    assert call(["train", arch, "--data", "digits", "--out", str(out), *QUICK]) == 0
    wider = tmp_path / "wider.json"
    wider.write_text(to_json(NET.replace(stem=NET.stem * 2)))
    capsys.readouterr()
    weights = str(out / "best.safetensors")
    line = ["train", str(wider), "--data", "digits", "--out", str(tmp_path / "second"), *QUICK]
    assert call([*line, "--init", weights]) == 0
    said = capsys.readouterr().out
    assert f"tensors of {weights} fit" in said
    assert "init: not in the file: stem.1.conv.weight" in said


def test_curves_can_be_drawn_also_of_a_finished_run(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "curves.svg"
    assert nascale.train(arch, out=tmp_path / "run", data="digits", epochs=2, fraction=0.3).finished
    line = [
        "train",
        arch,
        "--data",
        "digits",
        "--out",
        str(tmp_path / "run"),
        "--epochs",
        "2",
        "--fraction",
        "0.3",
    ]
    assert call([*line, "--plot", str(picture)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert b"kept: epoch" in picture.read_bytes()


def test_other_weights_than_those_it_began_with_are_refused(
    arch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = nascale.train(arch, out=tmp_path / "first", data="digits", epochs=1, fraction=0.3)
    weights = first.folder / "best.safetensors"
    taught = {
        "data": "digits",
        "epochs": 1,
        "fraction": 0.3,
        "teacher": arch,
        "teacher_weights": str(weights),
    }
    second = nascale.train(arch, out=tmp_path / "second", **taught)
    assert second.spec["distillation_weight"] == 0.5
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="other weights in the files"):
        nascale.train(arch, out=second.folder, **taught)


def test_a_trial_brings_its_study_s_data_and_seed(tmp_path: Path) -> None:
    url = sqlite_study(tmp_path / "studies.db", 3)
    spec = train_spec("digits:0", {"epochs": 3}, url)
    assert (spec.data, spec.seed, spec.split_seed) == ("digits", 0, 0)
    assert train_spec("digits:0", {"seed": 4}, url).split_seed == 0
    assert train_spec("digits:0", {"recipe": "search"}, url).training.ema == 0


def test_the_zoo_s_networks_are_made_for_the_images() -> None:
    from nascale.architectures import fitted

    facts: dict[str, Any] = {"classes": 10, "channels": 1, "side": 48}
    found = fitted("resnet18@width=0.5", None, **facts)
    assert (found.classes, found.in_channels, found.resolution) == (10, 1, 48)
    assert fitted("resnet18@resolution=64", None, **facts).resolution == 64
    assert fitted("resnet18", None, **facts, resolution=96).resolution == 96
