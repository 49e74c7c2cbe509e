"""Image sets: every source, its checks, the splits, the cache, and sets that stay in a file."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluators.data import ImageSet, load, split
from space.errors import InputError, UnknownNameError
from tests.evaluators.conftest import shared


def write_npz(
    path: Path, n: int = 40, classes: int = 4, shape: tuple[int, ...] = (6, 6, 3), **changes: object
) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, object] = {
        "x_train": rng.integers(0, 256, (n, *shape), dtype=np.uint8),
        "y_train": np.arange(n) % classes,
        "x_test": rng.integers(0, 256, (n // 4, *shape), dtype=np.uint8),
        "y_test": np.arange(n // 4) % classes,
        **changes,
    }
    np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]
    return path


def write_folder(root: Path, parts: tuple[str, ...] = ("",), classes: int = 3, each: int = 6) -> Path:
    for part in parts:
        for label in range(classes):
            folder = root / part / f"class{label}"
            folder.mkdir(parents=True)
            for i in range(each):
                Image.new("RGB", (20, 16), (60 * label, 10 * i, 128)).save(folder / f"{i}.png")
    return root


def test_digits_are_scikit_learn_s(digits: ImageSet) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_digits()
    assert np.array_equal(digits.images[..., 0], np.rint(bunch.images * 255 / 16).astype(np.uint8))
    assert np.array_equal(digits.labels, bunch.target)
    assert (digits.resolution, digits.channels, len(digits.classes)) == (8, 1, 10)


def test_splits_are_disjoint_complete_stratified_and_seeded(digits: ImageSet) -> None:
    parts = [digits.train, digits.validation, digits.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(1797))
    for name in ("train", "validation", "test"):
        counts = digits.class_counts(name)
        assert counts.min() > 0.85 * counts.mean()
    again, other = load("digits"), load("digits", seed=1)
    assert np.array_equal(again.validation, digits.validation)
    assert not np.array_equal(other.validation, digits.validation)
    assert other.checksum == digits.checksum
    assert other.describe()["split"]["checksum"] != digits.describe()["split"]["checksum"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=80), st.floats(0.05, 0.9), st.integers(0, 9))
def test_a_split_never_loses_shares_or_invents_an_image(labels: list[int], share: float, seed: int) -> None:
    y = np.array([*labels, *list(range(5)) * 3])
    train, validation, test = split(y, np.full(len(y), -1, np.int8), seed=seed, validation=share, test=share)
    assert sorted([*train, *validation, *test]) == list(range(len(y)))
    for part in (train, validation, test):
        assert set(y[part]) == set(range(5))


def test_statistics_are_those_of_the_training_split(tmp_path: Path) -> None:
    images = load(f"npz:{write_npz(tmp_path / 'a.npz')}")
    pixels = images.images[images.train] / 255
    mean, std = images.statistics
    assert mean == pytest.approx(pixels.mean((0, 1, 2)))
    assert std == pytest.approx(pixels.std((0, 1, 2)))


def test_npz_keeps_its_test_split_and_draws_validation_from_train(tmp_path: Path) -> None:
    images = load(f"npz:{write_npz(tmp_path / 'a.npz')}")
    assert (len(images.train), len(images.validation), len(images.test)) == (32, 8, 10)
    assert images.test.tolist() == list(range(40, 50))


def test_the_cifar_subset_loads_and_its_statistics_are_the_published_ones() -> None:
    images = load(f"npz:{shared('images/cifar10-10k.npz')}")
    assert images.images.shape == (12000, 32, 32, 3) and len(images.test) == 2000
    mean, std = images.statistics
    assert mean == pytest.approx([0.4928, 0.4842, 0.4473], abs=3e-3)
    assert std == pytest.approx([0.2458, 0.2432, 0.2605], abs=3e-3)


def test_idx_files_load_gzipped_or_not(tmp_path: Path) -> None:
    pictures = np.arange(20 * 4 * 5, dtype=np.uint32).astype(np.uint8).reshape(20, 4, 5)
    labels = (np.arange(20) % 2).astype(np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 20, 4, 5) + pictures.tobytes())
    )
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 20) + labels.tobytes())
    images = load(f"idx:{tmp_path}")
    assert np.array_equal(images.images[..., 0], pictures)
    assert len(images.train) + len(images.validation) + len(images.test) == 20
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 21) + labels.tobytes())
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte: wanted 21 bytes"):
        load(f"idx:{tmp_path}")


def test_fashion_mnist_loads() -> None:
    images = load(f"idx:{shared('images/fashion-mnist')}")
    assert images.images.shape == (10000, 28, 28, 1)
    assert np.bincount(images.labels).tolist() == [1000] * 10


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_cifar_s_own_files_load(tmp_path: Path, fine: bool, binary: bool) -> None:
    rng = np.random.default_rng(0)
    names = ["train", "test"] if fine else [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    planes = {name: rng.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8) for name in names}
    for name, pixels in planes.items():
        labels = np.arange(20) % 10
        if binary:
            lead = [np.zeros((20, 1), np.uint8)] if fine else []
            rows = np.concatenate([*lead, labels[:, None].astype(np.uint8), pixels.reshape(20, -1)], axis=1)
            (tmp_path / f"{name}.bin").write_bytes(rows.tobytes())
        else:
            key = b"fine_labels" if fine else b"labels"
            (tmp_path / name).write_bytes(
                pickle.dumps({b"data": pixels.reshape(20, -1), key: labels.tolist()})
            )
    images = load(f"cifar{100 if fine else 10}:{tmp_path}")
    assert np.array_equal(images.images[0], planes[names[0]][0].transpose(1, 2, 0))
    assert np.array_equal(images.images[-1], planes[names[-1]][-1].transpose(1, 2, 0))
    assert len(images.test) == 20 and images.labels[:3].tolist() == [0, 1, 2]


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


def test_a_cifar_batch_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(InputError, match=r"data_batch_1: wanted a CIFAR python batch.*print"):
        load(f"cifar10:{tmp_path}")
    assert "ran" not in capsys.readouterr().out


def test_folders_with_and_without_splits(tmp_path: Path) -> None:
    plain = load(f"folder:{write_folder(tmp_path / 'a')}", cache=tmp_path / "cache")
    assert plain.classes == ("class0", "class1", "class2")
    assert plain.images.shape == (18, 16, 16, 3)
    parted = load(
        f"folder:{write_folder(tmp_path / 'b', ('train', 'val', 'test'), each=3)}", cache=tmp_path / "cache"
    )
    assert (len(parted.train), len(parted.validation), len(parted.test)) == (9, 9, 9)


def test_decoded_images_are_cached_beside_a_checksum_and_follow_the_files(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    first = load(f"folder:{root}", cache=cache)
    kept = {f.name: f.stat().st_mtime_ns for f in cache.iterdir()}
    second = load(f"folder:{root}", cache=cache)
    assert {f.name: f.stat().st_mtime_ns for f in cache.iterdir()} == kept
    assert second.checksum == first.checksum and np.array_equal(first.images, second.images)
    Image.new("RGB", (20, 16), (1, 2, 3)).save(root / "class0" / "0.png")
    assert load(f"folder:{root}", cache=cache).checksum != first.checksum


def test_a_corrupt_image_is_named_counted_and_skipped_only_on_request(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    (root / "class1" / "2.png").write_bytes(b"no picture")
    whole = (root / "class2" / "4.png").read_bytes()
    (root / "class2" / "4.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"2 of 18 that are not: class1/2\.png .*class2/4\.png"):
        load(f"folder:{root}", cache=cache)
    assert not list(cache.glob("*.part")) and not list(cache.glob("*.npy"))
    for _ in range(2):  # decoded, then from the cache
        images = load(f"folder:{root}", cache=cache, skip_bad=True)
        assert len(images.images) == 16 and len(images.skipped) == 2
        assert images.skipped[0].startswith("class1/2.png")
        assert images.describe()["skipped"] == 2


def test_a_set_larger_than_the_limit_stays_in_a_file_and_travels_by_path(tmp_path: Path) -> None:
    file = write_npz(tmp_path / "a.npz", n=4000)
    in_memory = load(f"npz:{file}", cache=tmp_path / "cache")
    mapped = load(f"npz:{file}", cache=tmp_path / "cache", memory_limit=1000)
    assert mapped.mapped and not in_memory.mapped
    assert mapped.checksum == in_memory.checksum
    wire = pickle.dumps(mapped)
    assert len(wire) < mapped.images.nbytes / 2
    back = pickle.loads(wire)
    assert back.mapped and np.array_equal(back.images, in_memory.images)


def cases(folder: Path) -> dict[str, tuple[str, str]]:
    """Bad input by name: (what to load, what the message says)."""
    good = write_npz(folder / "good.npz")
    (folder / "cut.npz").write_bytes(good.read_bytes()[:-2000])
    (folder / "text.npz").write_text("hello")
    np.savez(folder / "range.npz", **{**dict(np.load(good)), "classes": np.array(["a", "b"])})
    write_npz(folder / "negative.npz", y_train=np.arange(40) - 1)
    write_npz(folder / "float.npz", x_train=np.zeros((40, 6, 6, 3)))
    write_npz(folder / "planes.npz", x_train=np.zeros((40, 3, 6, 6), np.uint8))
    write_npz(folder / "short.npz", y_train=np.zeros(39, int))
    write_npz(folder / "single.npz", y_train=np.array([0] * 20 + [1] * 19 + [2]))
    write_npz(folder / "bare.npz", y_train=None)
    (folder / "empty").mkdir()
    (folder / "nothing" / "a").mkdir(parents=True)
    return {
        "missing": (f"npz:{folder / 'none.npz'}", "wanted a file, got 'nothing there'"),
        "truncated": (f"npz:{folder / 'cut.npz'}", "a readable npz file"),
        "no npz": (f"npz:{folder / 'text.npz'}", "a readable npz file"),
        "labels out of range": (f"npz:{folder / 'range.npz'}", r"labels in 0\.\.1, got 3"),
        "negative labels": (f"npz:{folder / 'negative.npz'}", "labels in .* got -1"),
        "floats": (f"npz:{folder / 'float.npz'}", "uint8 images, got 'float64'"),
        "channels first": (f"npz:{folder / 'planes.npz'}", "images .n, height, width, 1 or 3."),
        "too few labels": (f"npz:{folder / 'short.npz'}", "40 labels, one an image, got 39"),
        "a class of one image": (
            f"npz:{folder / 'single.npz'}",
            "single.npz: wanted at least two images of each class",
        ),
        "no labels": (f"npz:{folder / 'bare.npz'}", "an array y_train"),
        "an empty folder": (f"folder:{folder / 'empty'}", "one folder per class"),
        "no images": (f"folder:{folder / 'nothing'}", "image files"),
        "no cifar": (f"cifar10:{folder / 'empty'}", "CIFAR's python batches"),
        "no idx": (f"idx:{folder / 'empty'}", "idx3-ubyte"),
    }


def test_bad_input_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    for name, (text, message) in cases(tmp_path).items():
        with pytest.raises(InputError, match=message) as caught:
            load(text, cache=tmp_path / "cache")
        assert "\n" not in str(caught.value), name
        assert text.partition(":")[2] in str(caught.value), name


def test_an_unknown_source_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"cifar100?, cifar100?"):
        load("cifar:x")


def test_a_hugging_face_set_says_what_is_missing(tmp_path: Path) -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="nascale\\[hf\\]"):
            load(f"hf:{tmp_path}")
    else:
        with pytest.raises(InputError, match="a data set"):
            load(f"hf:{tmp_path}")


@pytest.mark.parametrize("form", ["saved", "one split", "parquet"])
def test_a_hugging_face_set_on_disk_is_read_with_its_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee", "cat"])}
    )

    def made(count: int) -> tuple[Any, np.ndarray[Any, Any]]:
        pixels = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        rows = {"image": [Image.fromarray(p) for p in pixels], "label": [i % 3 for i in range(count)]}
        return datasets.Dataset.from_dict(rows, features=features), pixels

    (train, pixels), (test, _) = made(60), made(12)
    folder = tmp_path / "set"
    if form == "saved":
        datasets.DatasetDict(train=train, test=test).save_to_disk(str(folder))
    elif form == "one split":
        train.save_to_disk(str(folder))
    else:
        (folder / "data").mkdir(parents=True)
        train.to_parquet(str(folder / "data" / "train-00000.parquet"))
        test.to_parquet(str(folder / "data" / "test-00000.parquet"))
    images = load(f"hf:{folder}")
    assert images.classes == ("ant", "bee", "cat")
    assert np.array_equal(images.images[:60], pixels)
    assert images.labels[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert len(images.test) == 12
    assert len(images.train) + len(images.validation) == (48 if form == "one split" else 60)
