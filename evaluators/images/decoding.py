"""Pictures that are decoded one by one: a bad one is named and counted, and left out only on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from evaluators.images.source import LeftOut, SourceRequest
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evaluators.images.source import Chunk

T = TypeVar("T")

LARGEST_SIDE = 224
"""Pixels to which pictures are decoded at most, if no size is asked for."""
_NAMED = 3


@dataclass(frozen=True)
class Encoded(Generic[T]):
    """A picture before it is decoded: its name in messages, its label, its part (see ``Chunk``) and its content."""

    name: str
    label: int
    part: int
    content: T


def decoded_chunks(
    blocks: Iterable[Sequence[Encoded[T]]],
    decode: Callable[[T], NDArray[np.uint8] | str],
    request: SourceRequest,
    count: int,
    bad: list[LeftOut],
) -> Iterator[Chunk]:
    """The pictures of each block, decoded in threads: one chunk for each part in it.

    ``decode`` returns the pixels (height, width, channels), or the reason why it cannot. ``count`` is the number of
    pictures in all blocks. Bad pictures are added to ``bad`` with their reasons if the request says so.
    Otherwise all blocks are looked at, and InputError tells how many are bad and names the first three.
    """
    import numpy as np

    found: list[LeftOut] = []
    with ThreadPoolExecutor() as threads:
        for block in blocks:
            good: list[tuple[Encoded[T], NDArray[np.uint8]]] = []
            for one, pixels in zip(block, threads.map(decode, [one.content for one in block]), strict=True):
                if isinstance(pixels, str):
                    found.append(LeftOut(one.name, pixels))
                else:
                    good.append((one, pixels))
            if found and not request.skip_bad:
                continue
            for part in sorted({one.part for one, _ in good}):
                chosen = [(pixels, one.label) for one, pixels in good if one.part == part]
                images = np.stack([pixels for pixels, _ in chosen])
                yield images, np.array([label for _, label in chosen], np.int64), part
    if found and not request.skip_bad:
        few = "; ".join(map(str, found[:_NAMED])) + ("; …" if len(found) > _NAMED else "")
        came = f"{len(found)} of {count} that are not: {few}"
        raise InputError.of(request.name, "readable images (or --skip-bad)", came)
    bad.extend(found)
