"""Picture files in folders."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluators.data import load
from space.errors import InputError
from tests.evaluators.images.written import write_folder


def test_folders_with_and_without_splits(tmp_path: Path) -> None:
    plain = load(f"folder:{write_folder(tmp_path / 'a')}", cache=tmp_path / "cache")
    assert plain.classes == ("class0", "class1", "class2")
    assert plain.images.shape == (18, 16, 16, 3)
    parted = load(
        f"folder:{write_folder(tmp_path / 'b', ('train', 'val', 'test'), each=3)}", cache=tmp_path / "cache"
    )
    assert (len(parted.train), len(parted.validation), len(parted.test)) == (9, 9, 9)


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
        assert len(images.images) == 16 and len(images.left_out) == 2
        assert images.left_out[0].path == "class1/2.png"
        assert images.describe()["skipped"] == 2


def test_kinds_of_files_that_were_once_passed_over_are_read(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", classes=2)
    for suffix, format_ in (("avif", "AVIF"), ("jfif", "JPEG"), ("webp", "WEBP"), ("jp2", "JPEG2000")):
        (root / suffix).mkdir()
        for i in range(3):
            Image.new("RGB", (16, 16), "red").save(root / suffix / f"{i}.{suffix}", format_)
    images = load(f"folder:{root}", cache=tmp_path / "cache")
    assert images.classes == ("avif", "class0", "class1", "jfif", "jp2", "webp")
    assert np.bincount(images.labels).tolist() == [3, 6, 6, 3, 3, 3] and not images.left_out


def test_a_photo_stands_upright_and_its_orientation_is_seen_by_the_cache_too(tmp_path: Path) -> None:
    upright = np.zeros((32, 32, 3), np.uint8)
    upright[:16] = 255
    for name, stored, orientation in (("camera", upright, 1), ("phone", upright[::-1], 3)):
        (tmp_path / "set" / name).mkdir(parents=True)
        exif = Image.Exif()
        exif[274] = orientation
        for i in range(3):
            Image.fromarray(stored).save(tmp_path / "set" / name / f"{i}.jpg", exif=exif)
    for _ in range(2):
        images = load(f"folder:{tmp_path / 'set'}", cache=tmp_path / "cache")
        assert images.images[:, :15].min() > 250 and images.images[:, 17:].max() < 5


def test_grey_pictures_of_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, (low, high) in {"dark": (3000, 9000), "bright": (40000, 60000)}.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(low, high, (16, 16)).astype(np.uint16)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
    images = load(f"folder:{tmp_path / 'set'}", cache=tmp_path / "cache")
    assert images.images.shape == (16, 16, 16, 1)
    bright, dark = images.images[images.labels == 0], images.images[images.labels == 1]
    assert dark.min() >= 11 and dark.max() == 8999 >> 8 and bright.min() == 40000 >> 8


def test_a_class_whose_pictures_are_all_broken_is_no_class_and_is_said_so(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", classes=2)
    (root / "bird").mkdir()
    for i in range(3):
        (root / "bird" / f"{i}.jpg").write_bytes(b"nope")
    images = load(f"folder:{root}", cache=tmp_path / "cache", skip_bad=True)
    assert images.classes == ("class0", "class1") and len(images.left_out) == 3
    assert "no images of class bird, left out of the classes" in images.warnings


def test_classes_too_small_to_split_are_called_by_their_names(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", classes=2)
    for name, count in (("cat", 1), ("dog", 2)):
        (root / name).mkdir()
        for i in range(count):
            Image.new("RGB", (8, 8)).save(root / name / f"{i}.png")
    with pytest.raises(
        InputError, match="three images of each class to split, got '1 of class cat, 2 of class dog'"
    ):
        load(f"folder:{root}", cache=tmp_path / "cache")


def test_links_that_lead_nowhere_are_left_out_and_named(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", classes=2)
    (root / "class0" / "9.png").symlink_to("/moved/away.png")
    os.mkfifo(root / "class1" / "9.png")
    images = load(f"folder:{root}", cache=tmp_path / "cache")
    assert list(map(str, images.left_out)) == ["class0/9.png (a link to nothing)", "class1/9.png (a pipe)"]


def odd_files() -> Iterator[tuple[str, bytes]]:
    """Files as they lie about: (suffix, content)."""
    plain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8))
    formats = {
        "JPEG": ("jpg", ("L", "RGB", "CMYK")),
        "PNG": ("png", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        "TIFF": ("tif", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")),
        "WEBP": ("webp", ("RGB", "RGBA")),
        "GIF": ("gif", ("L", "P", "RGB")),
        "BMP": ("bmp", ("1", "L", "P", "RGB")),
        "AVIF": ("avif", ("RGB",)),
        "JPEG2000": ("jp2", ("L", "RGB")),
        "TGA": ("tga", ("L", "RGB", "RGBA")),
        "PPM": ("ppm", ("1", "L", "RGB", "I")),
        "ICO": ("ico", ("RGBA",)),
        "SGI": ("rgb", ("L", "RGB")),
        "PCX": ("pcx", ("L", "RGB")),
        "DDS": ("dds", ("RGB", "RGBA")),
    }
    for format_, (suffix, modes) in formats.items():
        for mode in modes:
            file = io.BytesIO()
            grey = plain.convert("L")
            picture = plain.convert(mode) if mode != "I;16" else grey.convert("I").convert("I;16")
            picture.save(file, format_)
            yield suffix, file.getvalue()
        whole = file.getvalue()
        for tenth in range(1, 10):
            yield suffix, whole[: len(whole) * tenth // 10]
    png = io.BytesIO()
    plain.save(png, "PNG")
    yield "gif", png.getvalue()
    yield "heic", png.getvalue()
    yield "png", b""
    yield "jpg", b"<html>404</html>"
    yield "png", png.getvalue()[:16] + struct.pack(">II", 10**6, 10**6) + png.getvalue()[24:]  # a bomb
    yield "png", png.getvalue()[:16] + struct.pack(">II", 0, 7) + png.getvalue()[24:]


def test_every_odd_file_is_read_as_pillow_shows_it_or_named(tmp_path: Path) -> None:
    contents = list(odd_files())
    for label in ("a", "b"):  # two classes of the same files
        (tmp_path / "set" / label).mkdir(parents=True)
        for i, (suffix, content) in enumerate(contents):
            (tmp_path / "set" / label / f"{i:03}.{suffix}").write_bytes(content)
    assert len(contents) > 100
    text = f"folder:{tmp_path / 'set'}"
    with pytest.raises(InputError, match=rf"of {2 * len(contents)} that are not: a/") as caught:
        load(text, cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)
    images = load(text, cache=tmp_path / "cache", skip_bad=True, size=20)
    left_out = {one.path for one in images.left_out}
    assert len(images.images) + len(images.left_out) == 2 * len(contents)
    assert images.labels.tolist() == sorted(images.labels.tolist())
    kept = [i for i, (suffix, _) in enumerate(contents) if f"a/{i:03}.{suffix}" not in left_out]
    assert len(kept) > 40
    for position, i in enumerate(kept):
        with Image.open(io.BytesIO(contents[i][1])) as picture:
            if picture.mode in ("I", "F", "I;16"):
                continue  # their depth is tested in test_pictures
            wanted = np.asarray(picture.convert("RGB").crop((0, 2, 20, 22)))
        if picture.size == (20, 24):
            assert np.array_equal(images.images[position], wanted), contents[i][0]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["png", "jpg", "odd"]), st.binary(max_size=60)), min_size=1, max_size=12
    )
)
def test_no_content_of_a_file_breaks_the_reading(files: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write_folder(Path(folder) / "set", classes=2)
        for i, (suffix, content) in enumerate(files):
            (root / "class0" / f"odd{i}.{suffix}").write_bytes(content)
        images = load(f"folder:{root}", cache=Path(folder) / "cache", skip_bad=True)
        assert len(images.images) == 12 and len(images.left_out) == len(files)
