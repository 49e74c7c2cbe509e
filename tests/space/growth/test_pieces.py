"""Rows of pieces: merged rows repeat the same channels, pieces are cut where they must, and all repeat equally often."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from space.growth.pieces import NEW, Channels, Piece, Row, groups, whole

SIZES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4).map(
    lambda pairs: [(few + more, few) for few, more in pairs if few + more] or [(1, 1)]
)


def row(sizes: list[tuple[int, int]]) -> Row:
    found: list[tuple[Piece, int]] = []
    start = 0
    for larger, smaller in sizes:
        found.append((Piece(larger, smaller), start))
        start += smaller
    return tuple(found)


@given(SIZES, st.integers(0, 3))
def test_a_whole_row_follows_one_in_pieces(sizes: list[tuple[int, int]], seed: int) -> None:
    channels = Channels(seed)
    many, one = row(sizes), whole(sum(n for n, _ in sizes), sum(n for _, n in sizes))
    assert channels.merge(one, many)
    origins = channels.origins(one)
    assert origins == channels.origins(many)
    place = start = 0
    for larger, smaller in sizes:
        part = origins[place : place + larger]
        counts = Counter(part)
        if smaller:
            assert set(part) == set(range(start, start + smaller))
            assert max(counts.values()) - min(counts.values()) <= 1
        else:
            assert set(part) == {NEW}
        place, start = place + larger, start + smaller


def test_rows_cut_at_other_places_are_cut_at_both() -> None:
    channels = Channels()
    halves, quarters = groups(12, 8, range(2), 2), groups(12, 8, range(4), 4)
    assert channels.merge(halves, quarters)
    origins = channels.origins(halves)
    assert [set(origins[i : i + 3]) for i in range(0, 12, 3)] == [{0, 1}, {2, 3}, {4, 5}, {6, 7}]
    assert channels.origins(quarters) == origins


def test_rows_that_contradict_each_other_are_told() -> None:
    channels = Channels()
    assert not channels.merge(row([(4, 4), (5, 2)]), row([(6, 3), (3, 3)]))
    assert not channels.merge(whole(6, 4), whole(8, 4))
    assert not channels.merge(groups(4, 2, (0, 1, 0, 1), 2), row([(2, 1), (2, 1)]))
