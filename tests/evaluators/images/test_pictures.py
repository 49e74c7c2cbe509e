"""Pictures are decoded as a viewer shows them: every mode of Pillow, every orientation, every depth."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from evaluators.images.pictures import Depth, Scale, centred_square, is_grey, open_picture, suffixes, upright

GREY = (np.arange(12 * 20).reshape(12, 20) * 255 // 239).astype(np.uint8)
"""Every pixel of the first picture differs from its mirror images."""
ORIENTED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.T,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].T,
    8: lambda x: np.rot90(x),
}
"""Pixels as they are stored → as they are shown, by EXIF orientation (Exif 2.3, tag 274)."""
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I;16B", "I", "F")


def picture_of(mode: str) -> Image.Image:
    """GREY in a mode; deep ones hold values of 16 bits."""
    deep = GREY.astype(np.uint16) << 8 | GREY
    if mode == "I;16B":
        return Image.fromarray(deep.astype(">u2"))
    if mode in ("I;16", "I", "F"):
        return Image.fromarray(deep.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    if mode == "P":
        return Image.fromarray(GREY).convert("P")
    return Image.fromarray(GREY).convert("RGB").convert(mode)


def written(picture: Image.Image, format_: str, orientation: int = 1) -> io.BytesIO:
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    picture.save(file, format_, exif=exif)
    file.seek(0)
    return file


def pixels(file: io.BytesIO, channels: int = 1) -> NDArray[np.uint8]:
    depth = Depth.of([io.BytesIO(file.getvalue())])
    with open_picture(file) as picture:
        return np.asarray(upright(picture, channels, depth))


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_stands_upright_in_every_orientation(mode: str, orientation: int) -> None:
    shown = pixels(written(picture_of(mode), "TIFF", orientation))
    if mode == "F":  # spread from the smallest value of the set to the largest: 0 to 255 already
        wanted = GREY
    elif mode in ("I;16", "I;16B", "I"):
        wanted = GREY  # the upper eight bits
    else:
        wanted = np.asarray(picture_of(mode).convert("RGB").convert("L"))
    turned = ORIENTED[orientation](wanted)
    assert shown.shape == turned.shape
    assert np.abs(shown.astype(int) - turned.astype(int)).max() <= (2 if mode in ("LAB", "YCbCr") else 0)


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_formats_with_exif_are_shown_as_pillow_shows_them(format_: str, orientation: int) -> None:
    file = written(Image.fromarray(GREY).convert("RGB"), format_, orientation)
    with Image.open(io.BytesIO(file.getvalue())) as picture:
        picture.load()
        wanted = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    shown = pixels(file, 3)
    assert np.array_equal(shown, wanted)
    far = np.abs(shown[..., 0].astype(int) - ORIENTED[orientation](GREY).astype(int))
    assert far.max() <= (0 if format_ == "PNG" else 16)


def test_colour_is_kept_and_transparency_dropped() -> None:
    picture = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    assert pixels(written(picture, "PNG"), 3)[0, 0].tolist() == [200, 100, 50]
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    file.seek(0)
    assert pixels(file, 3)[0, 0].tolist() == [255, 0, 0]  # the first frame


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[3000, 40000, 65535]], np.uint16), [11, 156, 255]),
        (np.array([[0, 100, 255]], np.uint16), [0, 100, 255]),
        (np.array([[3000, 40000, 65535]], np.int32), [11, 156, 255]),
        (np.array([[-1000, 0, 1000]], np.int32), [0, 128, 255]),
        (np.array([[0, 10**6, 10**6 * 2]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 100.7, 255]], np.float32), [0, 100, 255]),
        (np.array([[-1, 0, 1]], np.float32), [0, 128, 255]),
        (np.array([[np.nan, 0, 1]], np.float32), [0, 0, 255]),
        (np.array([[7, 7, 7]], np.int32), [7, 7, 7]),
    ],
)
def test_deep_pixels_are_scaled_by_their_range(values: NDArray[np.float64], wanted: list[int]) -> None:
    shown = pixels(written(Image.fromarray(values), "TIFF"))
    assert np.abs(shown[0].astype(int) - wanted).max() <= (1 if 128 in wanted else 0)


def test_one_range_holds_for_all_pictures_of_a_set() -> None:
    dark, bright = (
        written(Image.fromarray(np.full((2, 2), value, np.float32)), "TIFF") for value in (-100.0, 300.0)
    )
    depth = Depth.of([io.BytesIO(dark.getvalue()), io.BytesIO(b"broken"), io.BytesIO(bright.getvalue())])
    with open_picture(dark) as first, open_picture(bright) as second:
        assert np.asarray(upright(first, 1, depth)).max() == 0
        assert np.asarray(upright(second, 1, depth)).min() == 255


def test_twelve_bits_of_a_tiff_are_scaled_by_twelve() -> None:
    # Pillow writes no TIFF of 12 bits: one row of two pixels, 0xFFF and 0x800, packed into three bytes.
    entries = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 3)]
    body = b"II*\0" + (12).to_bytes(4, "little") + b"\xff\xf8\x00\0" + len(entries).to_bytes(2, "little")
    for tag, value in entries:
        body += tag.to_bytes(2, "little") + b"\x03\0\x01\0\0\0" + value.to_bytes(4, "little")
    assert pixels(io.BytesIO(body + bytes(4)))[0].tolist() == [255, 128]


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30), st.floats(0, 1))
def test_a_scale_keeps_the_order_of_values(a: float, b: float, share: float) -> None:
    scale = Scale(share, 128)
    low, high = scale(np.array(sorted([a, b])))
    assert low <= high


def test_squares_are_the_centre_whatever_the_shape() -> None:
    picture = Image.fromarray(np.repeat(np.arange(90, dtype=np.uint8)[:, None], 30, 1))
    assert centred_square(picture, 30)[:, 0, 0].tolist() == list(range(30, 60))
    for size in ((1, 1), (1, 40000), (40000, 3), (7, 5)):
        assert centred_square(Image.new("RGB", size), 64).shape == (64, 64, 3)


def test_what_counts_as_grey_and_what_can_be_read() -> None:
    for mode in ("1", "L", "I", "F", "I;16"):
        assert is_grey(Image.new(mode, (1, 1)))
    assert not any(is_grey(Image.new(mode, (1, 1))) for mode in ("RGB", "P", "RGBA", "LA"))
    assert {".jpg", ".jfif", ".avif", ".webp", ".png", ".jp2"} <= suffixes()
    assert not {".pdf", ".eps", ".h5", ".mpg"} & suffixes()


def test_the_content_of_a_file_decides_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    Image.new("RGB", (3, 2), "red").save(path, "PNG")
    with open_picture(path) as picture:
        assert picture.format == "PNG"
