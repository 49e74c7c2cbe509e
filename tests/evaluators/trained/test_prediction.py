"""Predictions of picture files: those of the same images in a training set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluators.data import load
from evaluators.trained import prediction
from evaluators.trained.classifier import Classifier
from evaluators.trained.prediction import predictions
from evaluators.trained.run_folder import Preprocessing, TrainedRun
from results.calibration import probabilities
from space.zoo import architecture
from tests.evaluators.trained.made_run import made_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    return made_run(tmp_path_factory.mktemp("prediction") / "run")


def never(file: Path, why: str) -> None:
    raise AssertionError(f"{file} {why}")


def test_files_have_the_classes_of_the_images_in_them(
    run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = run.images()
    files = []
    for i in images.test[:30]:
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(images.images[i, :, :, 0]).save(files[-1])
    classifier = Classifier(run)
    monkeypatch.setattr(prediction, "BLOCK", 7)
    found = list(predictions(classifier, files, never, top=10, temperature=2.0))
    assert [one.file for one in found] == files
    wanted = probabilities(classifier.logits(images.images, images.test[:30]), 2.0)
    for one, row in zip(found, wanted, strict=True):
        shares = dict(one.classes)
        np.testing.assert_allclose([shares[name] for name in run.classes], row, atol=1e-6)
        assert [share for _, share in one.classes] == sorted(shares.values(), reverse=True)
    (first,) = predictions(classifier, files[:1], never)
    assert [name for name, _ in first.classes] == [run.classes[int(wanted[0].argmax())]]


def test_the_files_of_a_set_have_the_classes_of_its_images(tmp_path: Path) -> None:
    """Photos of many sizes, decoded by the source to one and by the prediction again: the same logits."""
    rng = np.random.default_rng(0)
    for i in range(24):
        path = tmp_path / "photos" / ("ab"[i % 2]) / f"{i:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = rng.integers(24, 90, 2)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    images = load(f"folder:{tmp_path / 'photos'}", size=40, cache=tmp_path / "cache")
    network = architecture("mobilenet_v2@width=0.25,resolution=32,classes=2")
    mean, std = images.statistics
    run = made_run(tmp_path / "run", network).write(
        classes=images.classes,
        described=images.describe(),
        preprocessing=Preprocessing(resolution=32, mean=mean, std=std),
    )
    classifier = Classifier(run)
    files = sorted((tmp_path / "photos").rglob("*.jpg"))
    found = list(predictions(classifier, files, never))
    wanted = probabilities(classifier.logits(images.images))
    assert [one.classes[0] for one in found] == [
        (images.classes[row.argmax()], pytest.approx(row.max(), abs=1e-6)) for row in wanted
    ]


def test_pictures_are_read_as_those_of_the_training(run: TrainedRun, tmp_path: Path) -> None:
    """Orientation, depth, colour and size do not change what a picture shows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    turned = Image.fromarray(np.rot90(pixels).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # shown turned to the right by a quarter
    turned.save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "colour.png")
    Image.fromarray(pixels.astype(np.uint16) * 256).save(tmp_path / "deep.png")
    wide = np.full((8, 14), 7, np.uint8)
    wide[:, 3:11] = pixels
    Image.fromarray(wide).save(tmp_path / "wide.png")
    found = list(predictions(Classifier(run), sorted(tmp_path.iterdir()), never, top=3))
    assert len(found) == 5
    for one in found[1:]:
        assert [name for name, _ in one.classes] == [name for name, _ in found[0].classes]
        np.testing.assert_allclose([s for _, s in one.classes], [s for _, s in found[0].classes], atol=1e-5)


def test_broken_pictures_are_told_and_do_not_stop_the_rest(run: TrainedRun, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "b.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "b.png").read_bytes()[:40])
    (tmp_path / "c.png").touch()
    told: list[tuple[str, str]] = []
    found = list(
        predictions(
            Classifier(run), sorted(tmp_path.iterdir()), lambda file, why: told.append((file.name, why))
        )
    )
    assert [one.file.name for one in found] == ["b.png"]
    assert [name for name, _ in told] == ["a.png", "c.png"] and told[1][1] == "an empty file"
