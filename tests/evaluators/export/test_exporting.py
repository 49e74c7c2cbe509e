"""Exports: what lies in the folder afterwards, and what may not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from evaluators.export.card import CARD
from evaluators.export.exporting import CERTIFICATE, CLASSES, ExportSettings, export, read_certificate
from evaluators.export.format import Format, formats
from evaluators.export.passport import PASSPORT
from evaluators.export.subject import Subject
from evaluators.trained.run_folder import EXPORT, TrainedRun
from space.architecture import Stage
from space.blocks import Basic
from space.errors import InputError, RunError
from tests.evaluators.export.conftest import SMALL, Exported
from tests.evaluators.trained.made_run import made_run

FEW = ExportSettings(photos=20)


def copied(source: Path, name: str = "copy", quantised: bool = False) -> Format:
    """A format that is a copy of a file which was exported before."""
    return Format(
        name=name,
        description="a copy",
        files=(f"{name}.onnx",),
        write=lambda subject, folder: shutil.copy(source, folder / f"{name}.onnx") and None,
        runner="onnx",
        rank=1,
        quantised=quantised,
    )


@pytest.fixture
def run(tmp_path: Path) -> TrainedRun:
    return made_run(tmp_path / "run", SMALL)


@pytest.fixture
def wrong(exported: Exported, tmp_path: Path) -> Path:
    """The exported graph with one weight changed."""
    model = onnx.load(exported.folder / "model.onnx")
    weight = next(w for w in model.graph.initializer if w.name.endswith("linear.weight"))
    values = onnx.numpy_helper.to_array(weight).copy()
    values[0, 0] += 1e-2
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / "wrong.onnx")
    return tmp_path / "wrong.onnx"


def test_every_format_is_written_and_agrees(exported: Exported) -> None:
    assert {path.name for path in exported.folder.iterdir()} == {
        *exported.certificate.files,
        CARD,
        CERTIFICATE,
        CLASSES,
        PASSPORT,
    }
    assert json.loads((exported.folder / CLASSES).read_text()) == list(exported.run.classes)
    for row in exported.certificate.rows:
        if row.format != "int8":
            assert row.problem is None, row
            assert row.images is None or row.same_class == row.images == 100
            assert row.relative_difference is None or row.relative_difference < 1e-4
    assert read_certificate(exported.folder) == exported.certificate


def test_photos_of_other_sizes_get_the_same_answers_from_the_graph(exported: Exported) -> None:
    deployed = Subject(exported.run, exported.run.images()).deployed
    session = onnxruntime.InferenceSession(exported.folder / "model.onnx")
    rng = np.random.default_rng(0)
    for shape in ((1, 16, 16, 1), (3, 40, 25, 1), (2, 7, 90, 1)):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        probabilities, label = session.run(None, {"images": pixels})
        wanted, wanted_label = deployed(torch.from_numpy(pixels))
        assert np.allclose(probabilities, wanted.numpy(), atol=1e-6)
        assert np.array_equal(label, wanted_label.numpy())


def test_the_test_labels_are_not_looked_at_before_a_test(exported: Exported, run: TrainedRun) -> None:
    assert all(row.test_accuracy is None for row in exported.certificate.rows)
    look = {"images": 359, "accuracy": 0.1, "low": 0.07, "high": 0.14, "balanced_accuracy": 0.1}
    tested = run.write(tests=({**look, "weights": run.weights_checksum()},))
    certificate = export(tested, [copied(exported.folder / "model.onnx")], FEW)
    images = tested.images()
    photos = images.test[np.linspace(0, len(images.test) - 1, 20).round().astype(int)]
    with torch.no_grad():
        label = Subject(tested, images).deployed(torch.from_numpy(images.images[photos]))[1]
    wanted = float(np.mean(label.numpy() == images.labels[photos]))
    assert [row.test_accuracy for row in certificate.rows] == [wanted, wanted]


def test_a_format_that_disagrees_is_not_written(run: TrainedRun, wrong: Path) -> None:
    certificate = export(run, [copied(wrong)], FEW)
    assert [row.written for row in certificate.rows] == [True, False]
    assert "logits differ by" in certificate.problems[0]
    assert not (run.folder / EXPORT / "copy.onnx").exists()
    forced = export(run, [copied(wrong)], ExportSettings(photos=20, force=True))
    assert forced.problems
    assert (run.folder / EXPORT / "copy.onnx").exists()


def test_a_quantised_format_is_judged_by_its_accuracy(run: TrainedRun, wrong: Path) -> None:
    certificate = export(run, [copied(wrong, quantised=True)], FEW)
    assert certificate.problems == ()
    assert certificate.rows[1].written


def test_a_file_that_does_not_run_is_not_written(run: TrainedRun, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    certificate = export(run, [copied(tmp_path / "noise.onnx")], FEW)
    assert "noise" not in {path.name for path in (run.folder / EXPORT).iterdir()}
    assert "does not run without nascale" in certificate.problems[0]


def test_formats_of_an_earlier_export_stay_while_they_are_what_they_were(
    exported: Exported, run: TrainedRun, wrong: Path
) -> None:
    folder, whole = run.folder / EXPORT, exported.folder / "model.onnx"
    export(run, [copied(whole, "a"), copied(whole, "b")], FEW)
    certificate = export(run, [copied(whole, "c")], FEW)
    assert [row.format for row in certificate.rows] == ["nascale", "c", "a", "b"]
    (folder / "b.onnx").write_bytes(b"changed since")
    certificate = export(run, [copied(wrong, "c")], FEW)
    assert certificate.files == {"a.onnx"}
    assert {path.name for path in folder.glob("*.onnx")} == {"a.onnx"}


def test_nothing_is_left_of_an_export_that_fails(run: TrainedRun) -> None:
    def fail(subject: Subject, folder: Path) -> None:
        (folder / "half.onnx").write_bytes(b"half")
        raise ValueError("not this\nnetwork")

    before = sorted(run.folder.iterdir())
    form = Format(name="broken", description="", files=("half.onnx",), write=fail, runner="onnx", rank=1)
    with pytest.raises(RunError, match="broken: cannot be made: ValueError: not this network"):
        export(run, [form], FEW)
    assert sorted(run.folder.iterdir()) == before


def test_a_format_that_cannot_hold_the_network_is_refused_before_any_is_made(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", SMALL.replace(stages=(Stage((Basic(8),)),)))
    said: list[str] = []
    first, timm = (formats()[name] for name in ("python", "timm"))
    with pytest.raises(InputError, match="MBConv"):
        export(run, [first, timm], FEW, report=said.append)
    assert said == []


def test_a_folder_that_cannot_be_written_is_refused(run: TrainedRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out: wanted a folder that can be written"):
        export(run, [], FEW, out=tmp_path / "file" / "export")
