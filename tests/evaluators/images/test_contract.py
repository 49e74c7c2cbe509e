"""The contract of every format: the same images, written in its way, become the same image set."""

from __future__ import annotations

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from evaluators.data import load
from evaluators.images.image_set import ImageSet
from evaluators.images.sources import SOURCES, source_help

Pixels = NDArray[np.uint8]
Writer = Callable[[Path, dict[str, Pixels], dict[str, NDArray[np.int64]]], Path]
"""Writes images (n, 32, 32, channels) and labels of "train" and "test"; returns what follows the prefix."""

CLASSES = 10
EACH = {"train": 5, "test": 2}
"""Images of each class by split: CIFAR-10 has five training files."""


def made(channels: int) -> tuple[dict[str, Pixels], dict[str, NDArray[np.int64]]]:
    rng = np.random.default_rng(0)
    pixels = {
        part: rng.integers(0, 256, (each * CLASSES, 32, 32, channels), dtype=np.uint8)
        for part, each in EACH.items()
    }
    return pixels, {part: np.arange(each * CLASSES) % CLASSES for part, each in EACH.items()}


def npz(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    path = root / "set.npz"
    np.savez(
        path,
        x_train=pixels["train"],
        y_train=labels["train"],
        x_test=pixels["test"],
        y_test=labels["test"],
    )
    return path


def folder(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    for part in EACH:
        for i, (picture, label) in enumerate(zip(pixels[part], labels[part], strict=True)):
            parent = root / part / str(label)
            parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.squeeze()).save(parent / f"{i}.png")
    return root


def idx(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    for part, prefix in (("train", "train"), ("test", "t10k")):
        n, height, width, _ = pixels[part].shape
        images = struct.pack(">HBB3I", 0, 8, 3, n, height, width) + pixels[part].tobytes()
        (root / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        targets = struct.pack(">HBBI", 0, 8, 1, n) + labels[part].astype(np.uint8).tobytes()
        (root / f"{prefix}-labels-idx1-ubyte").write_bytes(targets)
    return root


def cifar10(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    for i in range(5):
        part = slice(i * CLASSES, (i + 1) * CLASSES)
        _cifar_batch(root / f"data_batch_{i + 1}", b"labels", pixels["train"][part], labels["train"][part])
    _cifar_batch(root / "test_batch", b"labels", pixels["test"], labels["test"])
    return root


def cifar100(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    for part in EACH:
        _cifar_batch(root / part, b"fine_labels", pixels[part], labels[part])
    return root


def _cifar_batch(path: Path, key: bytes, pixels: Pixels, labels: NDArray[np.int64]) -> None:
    planes = pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)
    path.write_bytes(pickle.dumps({b"data": planes, key: labels.tolist()}))


def hf(root: Path, pixels: dict[str, Pixels], labels: dict[str, NDArray[np.int64]]) -> Path:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    names = datasets.ClassLabel(names=[str(c) for c in range(CLASSES)])
    features = datasets.Features({"image": datasets.Image(), "label": names})
    splits = {
        part: datasets.Dataset.from_dict(
            {
                "image": [Image.fromarray(p.squeeze()) for p in pixels[part]],
                "label": labels[part].tolist(),
            },
            features=features,
        )
        for part in EACH
    }
    datasets.DatasetDict(splits).save_to_disk(str(root / "set"))
    return root / "set"


WRITERS: dict[str, tuple[Writer, tuple[int, ...]]] = {
    "npz": (npz, (1, 3)),
    "folder": (folder, (1, 3)),
    "idx": (idx, (1,)),
    "cifar10": (cifar10, (3,)),
    "cifar100": (cifar100, (3,)),
    "hf": (hf, (1, 3)),
}
"""How each format is written, and the numbers of channels that it can hold."""
CASES = [(prefix, channels) for prefix, (_, several) in WRITERS.items() for channels in several]
OPERANDS = {"FILE", "DIR", "NAME_OR_PATH", ""}


def images_of(found: ImageSet, *splits: str) -> list[tuple[int, bytes]]:
    """(label, pixels) of all images of the splits, sorted: formats need not keep an order."""
    indices = np.concatenate(
        [{"train": found.train, "validation": found.validation, "test": found.test}[s] for s in splits]
    )
    return sorted((int(found.labels[i]), found.images[i].tobytes()) for i in indices)


@pytest.mark.parametrize(("prefix", "channels"), CASES)
def test_every_format_gives_the_images_that_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, channels: int
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    pixels, labels = made(channels)
    (tmp_path / "set").mkdir()
    text = f"{prefix}:{WRITERS[prefix][0](tmp_path / 'set', pixels, labels)}"
    found = load(text)
    assert found.name == text and found.images.shape[1:] == (32, 32, channels)
    assert found.classes[:CLASSES] == tuple(str(c) for c in range(CLASSES))
    assert not found.left_out
    written = {
        part: sorted((int(y), x.tobytes()) for x, y in zip(pixels[part], labels[part], strict=True))
        for part in EACH
    }
    assert images_of(found, "train", "validation") == written["train"]
    assert images_of(found, "test") == written["test"]
    assert len(found.validation) == CLASSES  # a fifth of five, at least one of each class

    again = load(text)
    assert again.describe() == found.describe() and np.array_equal(again.images, found.images)


def test_the_contract_is_held_by_every_format() -> None:
    assert set(WRITERS) | {"digits"} == set(SOURCES)


@pytest.mark.parametrize("prefix", SOURCES)
def test_every_format_says_how_it_is_written_and_what_it_holds(prefix: str) -> None:
    one = SOURCES[prefix]
    assert one.prefix == prefix and one.operand in OPERANDS
    assert one.help and "\n" not in one.help
    assert one.usage in source_help()
