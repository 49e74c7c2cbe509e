"""Picture files: what their headers say, and one of them decoded to the square that a set holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.images.allowance import allowed_bytes
from evaluators.images.files import kind_of
from evaluators.images.pictures import (
    Depth,
    centred_square,
    decoding,
    is_deep,
    is_grey,
    open_picture,
    reason,
    upright,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Headers:
    """What the headers of all pictures say: short sides, whether all are grey, and which have more than eight bits."""

    sides: Counter[int]
    grey: bool
    deep: tuple[Path, ...]

    @classmethod
    def of(cls, files: Iterable[Path]) -> Headers:
        """The headers of ``files``; those that cannot be opened are passed over."""
        sides: Counter[int] = Counter()
        grey, deep = True, []
        for file in files:
            try:
                with open_picture(file) as picture:
                    sides[min(picture.size)] += 1
                    grey = grey and is_grey(picture)
                    if is_deep(picture):
                        deep.append(file)
            except Exception:
                continue  # it is named when it is decoded
        return cls(sides, grey, tuple(deep))


def decoded_file(
    file: Path, side: int, channels: int, depth: Depth, most: int | None = None
) -> NDArray[np.uint8] | str:
    """(side, side, channels): the picture, its short side resized and its centre cropped; or why it cannot be read.

    One of more than ``most`` bytes (None: the memory of this machine) is not decoded.
    """
    try:
        if (kind := kind_of(file)) not in ("a file", "nothing there"):
            return kind
        if file.stat().st_size == 0:
            return "an empty file"
        with open_picture(file) as opened:
            opened.draft("RGB" if channels == 3 else "L", (side, side))
            with decoding(opened, allowed_bytes(most)):
                return centred_square(upright(opened, channels, depth), side)
    except Exception as error:  # PIL raises OSError, SyntaxError, ValueError, struct.error … for bad files
        return reason(error).replace(str(file), file.name)
