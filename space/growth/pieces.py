"""Which channel of a smaller network each channel of a larger one repeats, as pieces that tensors share.

The channels of a tensor are a row of pieces. A piece is as many channels in the larger network as were made from one
run of channels of the smaller: all of a convolution's, one group's, one branch's. Tensors that are added must repeat
the same channels, and so must a map and its gate: their pieces are merged, and a larger piece is cut where that takes
it. What stands behind a concatenation has the pieces of all branches.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

NEW = -1
"""The origin of a channel that repeats none."""


@dataclass(eq=False, slots=True)
class Piece:
    """``larger`` channels that repeat ``smaller`` ones; all are new where these are none. ``fixed`` are their origins
    where they are no matter of choice."""

    larger: int
    smaller: int
    fixed: tuple[int, ...] | None = None
    parts: tuple[tuple[Piece, int], ...] = ()
    joined: Piece | None = None


Row = tuple[tuple[Piece, int], ...]
"""Pieces in the order of their channels in the larger network, each with the first channel that it repeats."""


@dataclass(slots=True)
class Channels:
    """The choice of origins, drawn from ``seed``."""

    seed: int = 0
    _chosen: dict[Piece, tuple[int, ...]] = field(default_factory=dict)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def merge(self, one: Row, other: Row) -> bool:
        """Has both rows repeat the same channels; False where they cannot."""
        left, right = flat(one), flat(other)
        if _bound(left, right) or _bound(right, left):
            return True
        while left and right:
            (a, start), (b, other_start) = left[0], right[0]
            if start != other_start:
                return False
            if a is not b:
                if (a.larger, a.smaller) == (b.larger, b.smaller) and not (a.fixed and b.fixed):
                    a, b = (b, a) if a.fixed else (a, b)
                    a.joined = b
                elif _cut(a, b):
                    left[:1] = flat(((a, start),))
                    continue
                elif _cut(b, a):
                    right[:1] = flat(((b, start),))
                    continue
                else:
                    return False
            del left[0], right[0]
        return not left and not right

    def origins(self, row: Row) -> tuple[int, ...]:
        """For each channel in the larger network the one that it repeats, or ``NEW``.

        A piece repeats its channels in order, and then again, all equally often but for one, in random order.
        """
        found: list[int] = []
        for piece, start in flat(row):
            if piece not in self._chosen:
                self._chosen[piece] = self._choose(piece)
            found += [NEW if origin == NEW else start + origin for origin in self._chosen[piece]]
        return tuple(found)

    def _choose(self, piece: Piece) -> tuple[int, ...]:
        if piece.fixed is not None:
            return piece.fixed
        if not piece.smaller:
            return (NEW,) * piece.larger
        chosen = list(range(piece.smaller))
        while len(chosen) < piece.larger:
            again = self._random.sample(range(piece.smaller), piece.smaller)
            chosen += again[: piece.larger - len(chosen)]
        return tuple(chosen)


def flat(row: Row) -> list[tuple[Piece, int]]:
    """The row with joined pieces replaced by what they joined and cut ones by their parts."""
    found: list[tuple[Piece, int]] = []
    for piece, start in row:
        while piece.joined is not None:
            piece = piece.joined
        if piece.parts:
            found += flat(tuple((part, start + begin) for part, begin in piece.parts))
        else:
            found.append((piece, start))
    return found


def _bound(row: list[tuple[Piece, int]], parts: list[tuple[Piece, int]]) -> bool:
    """Makes ``parts`` the parts of a row of one free piece; False where it is none, or the sizes differ."""
    piece, start = row[0]
    sizes = (sum(p.larger for p, _ in parts), max(begin + p.smaller for p, begin in parts))
    if len(row) > 1 or len(parts) == 1 or start or piece.fixed or sizes != (piece.larger, piece.smaller):
        return False
    piece.parts = tuple(parts)
    return True


def _cut(piece: Piece, first: Piece) -> bool:
    """Cuts ``piece`` so that it begins with one as large as ``first``; False where that cannot be."""
    larger, smaller = piece.larger - first.larger, piece.smaller - first.smaller
    if piece.fixed is not None or larger <= 0 or not 0 <= smaller <= larger:
        return False
    piece.parts = (
        (Piece(first.larger, first.smaller), 0),
        (Piece(larger, smaller), first.smaller),
    )
    return True


def whole(larger: int, smaller: int) -> Row:
    """A row of one piece."""
    return ((Piece(larger, smaller), 0),)


def groups(larger: int, smaller: int, sources: Sequence[int], count: int) -> Row:
    """A row of one piece for each group: ``larger`` channels in ``len(sources)`` groups, of which each repeats that
    one of the ``count`` groups of ``smaller`` channels that ``sources`` names."""
    return tuple((Piece(larger // len(sources), smaller // count), q * (smaller // count)) for q in sources)
