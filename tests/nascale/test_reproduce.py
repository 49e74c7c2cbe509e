"""``nascale reproduce``: trainings repeated for real."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluators.export.passport import PASSPORT, Passport, read_passport
from evaluators.trained.run_folder import TrainedRun, open_run
from nascale.cli import run as call
from nascale.reproduction import Reproduction
from nascale.train_run import prepare, run
from nascale.train_spec import train_spec
from space.codec import to_json
from tests.evaluators.test_training import NET
from tests.evaluators.trained.made_run import made_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    options = {"data": "digits", "epochs": 2, "fraction": 0.3, "threads": 1, "device": "cpu", "seed": 3}
    spec = train_spec(to_json(NET), options)
    return run(prepare(spec, tmp_path_factory.mktemp("trained") / "run"))


@pytest.fixture
def passport(trained: TrainedRun, tmp_path: Path) -> Path:
    return written(Passport.of(trained).to_json(), tmp_path)


def written(document: dict[str, Any], folder: Path) -> Path:
    path = folder / PASSPORT
    path.write_text(json.dumps(document))
    return path


def test_the_same_weights_come_out(
    passport: Path, trained: TrainedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "again"
    assert call(["reproduce", str(passport), "--out", str(out), "--quiet", "--format", "json"]) == 0
    told = capsys.readouterr()
    assert "reproduced: the same weights, bit for bit" in told.err
    rows = {row["what"]: row for row in json.loads(told.out)}
    assert all(row["same"] for row in rows.values())
    assert rows["accuracy"]["now"] == (trained.metrics or {})["accuracy"]
    assert open_run(out).weights_checksum() == trained.weights_checksum()


def test_another_accuracy_than_the_passport_s_is_told(
    passport: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(passport.read_text())
    document["weights"] = "0" * 64
    document["run"]["metrics"]["accuracy"] = 0.999
    document["run"]["provenance"]["packages"]["torch"] = "1.0"
    assert call(["reproduce", str(written(document, tmp_path)), "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "not reproduced: other weights, accuracy differs by -" in said
    assert "torch 1.0, now 2." in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [PASSPORT]


def test_other_images_and_unfinished_trainings_are_refused(
    passport: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (200, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "other.npz", x_train=pixels, y_train=np.arange(200) % 10)
    assert call(["reproduce", str(passport), "--data", f"npz:{tmp_path / 'other.npz'}"]) == 2
    assert "data: wanted the images that" in capsys.readouterr().err
    document = json.loads(passport.read_text())
    document["run"]["finished"] = False
    assert call(["reproduce", str(written(document, tmp_path))]) == 2
    assert "PASSPORT: wanted one of a training that came to its end" in capsys.readouterr().err
    assert call(["reproduce", str(tmp_path / "none.json")]) == 2


def test_accuracies_within_chance_count_as_reproduced(tmp_path: Path) -> None:
    then = made_run(tmp_path / "run")

    def found(accuracy: float) -> Reproduction:
        now = replace(then, metrics={**(then.metrics or {}), "accuracy": accuracy})
        return Reproduction(Passport(then, "other weights"), now, images=100)

    # Two shares of 0.1 and 0.18 of 100: the mean is 0.14, the noise 1.96 · √(2 · 0.14 · 0.86 / 100) = 0.0962.
    assert found(0.18).noise == pytest.approx(0.0962, abs=1e-4)
    assert found(0.18).holds and "reproduced within noise" in found(0.18).verdict()
    assert not found(0.22).holds


def test_a_passport_survives_its_file(passport: Path, trained: TrainedRun) -> None:
    assert read_passport(passport).run.to_json() == json.loads(json.dumps(trained.to_json()))
