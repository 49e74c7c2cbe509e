"""Successive halving against its definition."""

from __future__ import annotations

import pytest

from search.pruning.halving import HalvingRule, epoch_rungs
from tests.search.pruning.replays import by_definition, curves, made, run


@pytest.mark.parametrize("seed", range(5))
def test_halving_keeps_the_best_share_of_every_rung(seed: int) -> None:
    given = curves(seed)
    assert run(HalvingRule([1, 3], 3), given) == by_definition(given, [1, 3], 3)
    by_name = made("halving", 9)
    assert run(by_name, given) == by_definition(given, [1, 3, 5], 1.5)


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [
        (1, []),
        (2, [1]),
        (3, [1, 2]),
        (4, [1, 2]),
        (5, [1, 2, 3]),
        (9, [1, 3, 5]),
        (27, [3, 9, 15]),
        (90, [10, 30, 50]),
    ],
)
def test_rungs_lie_at_a_ninth_a_third_and_five_ninths(epochs: int, rungs: list[int]) -> None:
    assert epoch_rungs(epochs) == rungs
    for name in ("halving", "hyperband"):
        chosen = made(name, epochs)
        lengths = run(chosen, [[1 - 0.01 * n] * epochs for n in range(12)])
        assert set(lengths) <= {*rungs, epochs} and lengths[0] == epochs
