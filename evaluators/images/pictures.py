"""One picture, as a viewer shows it: upright, its first frame, in eight bits.

Pillow decides by the content of a file what it is, not by its name. Pixels of more than eight bits are scaled by the
range of their depth, the same for all pictures of a set, so that a dark picture stays darker than a bright one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from evaluators.images.files import kind_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

# Drawings, containers and films that Pillow registers beside images of pixels.
_NO_PIXELS = frozenset({"EPS", "WMF", "MPEG", "HDF5", "BUFR", "GRIB", "IPTC"})
_SURE = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "JPEG2000", "PPM", "HEIF")
"""Formats whose first bytes cannot be mistaken: a file of any other name may be one of them."""
_HEIF = ".heic .heif .hif"
_CAMERA = ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw"
UNREADABLE: dict[str, str] = {
    **dict.fromkeys(_HEIF.split(), "needs the package pillow-heif: pip install 'nascale[heif]'"),
    **dict.fromkeys(_CAMERA.split(), "raw pixels of a camera, which Pillow does not read"),
    **dict.fromkeys((".jxl", ".jxr", ".exr", ".hdr"), "a format that Pillow does not read"),
    **dict.fromkeys((".svg", ".eps", ".wmf", ".emf", ".ps"), "a drawing, not pixels"),
}
"""Why files with these suffixes are left out, where Pillow cannot read them."""
_DEEP = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_GREY = _DEEP | {"1", "L"}
_TIFF_BITS, _TIFF_PHOTOMETRIC = 258, 262
_LONGEST = 16
_LARGE_PIXELS = 2**25
_one_large = Lock()


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; HEIF is among them where pillow-heif is installed."""
    from PIL import Image

    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in Image.ID if name in Image.OPEN and name not in _NO_PIXELS)


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of files that are read, as ``.png``."""
    from PIL import Image

    readable = set(formats())
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in readable)


def open_picture(file: Path | IO[bytes]) -> Image:
    """The picture in a file, not decoded yet. Raises many kinds of errors for what is none.

    A path is opened if a regular file is there: one would wait for ever for a pipe.
    """
    from PIL import Image

    _check_regular(file)
    return Image.open(file, formats=formats())


def _check_regular(file: Path | IO[bytes]) -> None:
    if isinstance(file, Path) and (kind := kind_of(file)) != "a file":
        raise OSError(f"{file.name}: {kind}")


def decoding(picture: Image, most: int) -> AbstractContextManager[object]:
    """Within this an opened picture may be decoded. Raises ValueError for one of more than ``most`` bytes.

    Of very large pictures only one is decoded at a time, so that threads do not fill the memory with several.
    """
    width, height = picture.size
    if width * height * 4 > most:
        raise ValueError(f"{width}×{height} pixels, more than --max-image-bytes")
    return _one_large if width * height > _LARGE_PIXELS else nullcontext()


def why_no_picture(file: Path) -> str | None:
    """Why a regular file is not to be decoded; None for a picture, which may still turn out broken."""
    from PIL import Image

    suffix = file.suffix.lower()
    if suffix in suffixes():
        return None
    try:
        _check_regular(file)
        with Image.open(file, formats=[name for name in _SURE if name in formats()]):
            return None
    except Exception:  # Pillow raises many kinds
        return UNREADABLE.get(suffix, "not an image")


def reason(error: Exception) -> str:
    """Why a picture cannot be decoded, in one line."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "not an image that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def is_grey(picture: Image) -> bool:
    """Whether the picture has one channel."""
    return picture.mode in _GREY


def is_deep(picture: Image) -> bool:
    """Whether its pixels have more than eight bits."""
    return picture.mode in _DEEP


@dataclass(frozen=True)
class Scale:
    """Makes bytes of deep pixels: the whole part of ``factor`` × value + ``shift``, in 0..255."""

    factor: float = 1.0
    shift: float = 0.0

    def __call__(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        import numpy as np

        scaled = np.nan_to_num(values.astype(np.float64) * self.factor + self.shift, posinf=255, neginf=0)
        return np.floor(np.clip(scaled, 0, 255)).astype(np.uint8)


@dataclass(frozen=True)
class Depth:
    """How the deep pictures of a set become bytes: those of whole numbers, and those of fractions."""

    whole: Scale = Scale()
    fractions: Scale = Scale()

    @classmethod
    def of(cls, pictures: Iterable[Path | IO[bytes]]) -> Depth:
        """The scales for a set, from the extremes of its deep pictures; those that cannot be read are passed over.

        Values of 0 to 255 are taken as they are. Whole numbers up to 65,535 are those of 16 bits, of which the upper
        eight are kept. Fractions of 0 to 1 are shares of white. All else is spread over 0 to 255 from the smallest
        to the largest value of the set.
        """
        import numpy as np

        extremes: dict[bool, list[float]] = {True: [], False: []}
        for file in pictures:
            try:
                with open_picture(file) as picture:
                    values = _values(picture)
            except Exception:  # named when it is decoded
                continue
            finite = values[np.isfinite(values)]
            if finite.size:
                extremes[picture.mode == "F"] += [float(finite.min()), float(finite.max())]
        return cls(_whole_scale(extremes[False]), _fraction_scale(extremes[True]))


def _whole_scale(extremes: list[float]) -> Scale:
    low, high = min(extremes, default=0.0), max(extremes, default=0.0)
    if low >= 0 and high <= 255:
        return Scale()
    return Scale(1 / 256) if low >= 0 and high <= 65535 else _spread(low, high)


def _fraction_scale(extremes: list[float]) -> Scale:
    low, high = min(extremes, default=0.0), max(extremes, default=0.0)
    if low >= 0 and high <= 1:
        return Scale(255, 0.5)
    return Scale() if low >= 0 and high <= 255 else _spread(low, high)


def _spread(low: float, high: float) -> Scale:
    factor = 255 / (high - low) if high > low else 0.0
    return Scale(factor, 0.5 - low * factor)


def _values(picture: Image) -> NDArray[Any]:
    """The pixels of a deep picture; a TIFF's 12 bits as 16, and its white where it counts from white to black."""
    import numpy as np
    from PIL.TiffImagePlugin import TiffImageFile

    values = np.asarray(picture)
    if isinstance(picture, TiffImageFile) and picture.mode != "F":
        if picture.tag_v2.get(_TIFF_BITS) == (12,):
            values = values << 4 | values >> 8
        if picture.tag_v2.get(_TIFF_PHOTOMETRIC) == 0:
            values = 65535 - values
    return values


def upright(picture: Image, channels: int, depth: Depth) -> Image:
    """The opened picture as a viewer shows it, as "L" or "RGB". Transparency is left away."""
    from PIL import Image, ImageOps

    picture.load()
    with suppress(Exception):  # a broken EXIF block: viewers then show the pixels as they are stored
        ImageOps.exif_transpose(picture, in_place=True)
    if is_deep(picture):
        scale = depth.fractions if picture.mode == "F" else depth.whole
        picture = Image.fromarray(scale(_values(picture)))
    if picture.mode == "La":
        picture = picture.convert("LA")
    if channels == 1 and picture.mode == "LAB":
        picture = picture.convert("RGB")
    return picture.convert("RGB" if channels == 3 else "L")


def centred_square(picture: Image, side: int) -> NDArray[np.uint8]:
    """(side, side, channels): the picture's short side resized to ``side``, and its centre."""
    import numpy as np
    from PIL import Image

    width, height = picture.size
    short = min(width, height)
    if (
        max(width, height) > _LONGEST * short
    ):  # only the middle of a strip is resized: the whole could fill the memory
        width, height = min(width, _LONGEST * short), min(height, _LONGEST * short)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        picture = picture.crop((left, top, left + width, top + height))
    if short != side:
        ratio = side / short
        width, height = max(side, round(width * ratio)), max(side, round(height * ratio))
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    array = np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.uint8)
    return array.reshape(side, side, -1)
