"""The batch fits a small set if none was asked for; a study does not go on with other images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nascale
from evaluators.data import load
from nascale.cli import run
from nascale.evaluation import fitting_batch
from nascale.launch import prepare
from nascale.spec import SearchSpec
from results import studies
from space.errors import InputError


def small_set(path: Path, n: int = 40, classes: int = 2, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)
    np.savez(
        path,
        x_train=pixels,
        y_train=np.arange(n) % classes,
        x_test=pixels[:10],
        y_test=np.arange(min(n, 10)) % classes,
    )
    return f"npz:{path}"


@pytest.mark.parametrize(
    ("n", "keys", "batch"),
    [
        (200, {}, 64),  # 160 for training
        (80, {}, 64),
        (78, {}, 15),  # 62 for training
        (40, {}, 8),
        (6, {}, 2),
        (40, {"batch_size": 16}, 16),
        (200, {"fraction": 0.2}, 8),
        (200, {"rungs": "fraction=0.1,0.5", "pruner": "halving"}, 4),
        (200, {"rungs": "fraction=x", "pruner": "halving"}, 64),
    ],
)
def test_the_default_batch_fits_the_set(tmp_path: Path, n: int, keys: dict[str, Any], batch: int) -> None:
    spec = SearchSpec.of(data=small_set(tmp_path / "a.npz", n), **keys)
    images = load(spec.images.data)
    assert fitting_batch(spec, images) == batch
    assert fitting_batch(spec.replace(trials=3), images) == batch
    assert fitting_batch(spec, None) == keys.get("batch_size", 64)


def test_a_batch_that_was_asked_for_must_fit(tmp_path: Path) -> None:
    spec = SearchSpec.of(data=small_set(tmp_path / "a.npz"), batch_size=64)
    with pytest.raises(InputError, match="batch_size: wanted at most the 32 training images"):
        prepare(spec)


def search(tmp_path: Path, *more: str) -> int:
    where = f"sqlite:///{tmp_path / 'a.db'}"
    line = f"search --sampler random --epochs 1 --workers 0 --data npz:{tmp_path / 'a.npz'} --study s --storage {where}"
    return run([*line.split(), *more])


def test_a_small_set_needs_no_batch_size_and_the_study_keeps_what_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_set(tmp_path / "a.npz")
    assert search(tmp_path, "--trials", "1") == 0
    told = capsys.readouterr().out
    assert "batches of 8 images, which fit the 32 training images" in told
    assert (
        "data npz:" in told
        and "50 images of 2 classes, 8×8×1; train 32 (given), validation 8 (drawn)" in told
    )
    stored = studies.load("s", f"sqlite:///{tmp_path / 'a.db'}")
    assert stored.spec["batch_size"] == 8
    kept = stored.provenance["data"]
    assert kept["classes"] == ["0", "1"] and kept["splits"]["test"]["images"] == 10
    assert search(tmp_path, "--trials", "2") == 0

    small_set(tmp_path / "a.npz", 60, seed=1)
    assert search(tmp_path, "--trials", "3") == 2
    error = capsys.readouterr().err
    assert f"checksum {kept['checksum']}, now " in error and "images 50 → 70" in error
    assert len(studies.load("s", f"sqlite:///{tmp_path / 'a.db'}").trials) == 2


def test_what_equal_time_would_bring_is_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_set(tmp_path / "a.npz")
    assert search(tmp_path, "--objective", "timed_accuracy", "--trials", "3", "--space", "mixed") == 0
    assert "maximise timed accuracy" in capsys.readouterr().out
    frame = nascale.trials("s", f"sqlite:///{tmp_path / 'a.db'}")
    stored = studies.load("s", f"sqlite:///{tmp_path / 'a.db'}")
    assert [trial.values[0] for trial in stored.trials if trial.values] == frame["timed_accuracy"].tolist()
    expected = 1 - (1 - frame["accuracy"]) * (1000 * frame["image_seconds"]) ** 0.1
    assert np.allclose(frame["timed_accuracy"], expected)
    assert search(tmp_path, "--trials", "4", "--evaluator", "supernet", "--objective", "timed_accuracy") == 2
    assert "objective: wanted a search that trains each network" in capsys.readouterr().err


def test_balanced_accuracy_is_searched_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_set(tmp_path / "a.npz")
    weighted = ("--objective", "balanced_accuracy,macs", "--class-weights", "balanced")
    assert search(tmp_path, *weighted, "--trials", "3", "--space", "mixed") == 0
    told = capsys.readouterr().out
    assert "maximise balanced accuracy, minimise macs" in told and "balanced accuracy 0." in told
    url = f"sqlite:///{tmp_path / 'a.db'}"
    frame = nascale.trials("s", url)
    stored = studies.load("s", url)
    assert [trial.values[0] for trial in stored.trials if trial.values] == frame["balanced_accuracy"].tolist()
    assert frame["balanced_accuracy"].between(0, 1).all()
    front = nascale.front("s", url)
    assert front["balanced_accuracy"].is_monotonic_decreasing
    assert stored.trials[0].curve == ((1, frame["balanced_accuracy"][0]),)
    assert search(tmp_path, "--objective", "balanced_accuracy,macs", "--trials", "4") == 2
    assert "class_weights 'balanced' → 'none'" in capsys.readouterr().err
    assert search(tmp_path, "--trials", "4", "--table", "x.toml", "--objective", "balanced_accuracy") == 2
