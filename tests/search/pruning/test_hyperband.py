"""Hyperband's brackets: who is compared with whom, and what they may spend."""

from __future__ import annotations

from collections import Counter

import pytest

from search.pruning.hyperband import HyperbandRule, expected_steps
from tests.search.pruning.replays import by_definition, curves, made, run


def test_hyperband_assigns_trials_to_brackets_and_compares_within_them() -> None:
    given = curves(1, count=300, epochs=27)
    hyperband = made("hyperband", 27)
    assert isinstance(hyperband, HyperbandRule)
    assert [bracket.rungs for bracket in hyperband.brackets] == [[3, 9, 15], [9, 15]]
    lengths = run(hyperband, given)
    for bracket in hyperband.brackets:
        members = [n for n in range(300) if hyperband.bracket(n) is bracket]
        assert members
        assert [lengths[n] for n in members] == by_definition([given[n] for n in members], bracket.rungs, 1.5)


def test_brackets_may_spend_alike() -> None:
    assert expected_steps([1, 3, 9], 27, 3) == pytest.approx(1 + 2 / 3 + 6 / 9 + 18 / 27)
    hyperband = HyperbandRule([1, 3, 9], 27, 3, 3)
    counts = Counter(hyperband.brackets.index(hyperband.bracket(n)) for n in range(600))
    # The first trial of a bracket counts as a whole training: nobody can stop it.
    spent = [27 + (counts[i] - 1) * expected_steps(b.rungs, 27, 3) for i, b in enumerate(hyperband.brackets)]
    assert max(spent) - min(spent) <= expected_steps([9], 27, 3)
    assert counts[0] > 1.9 * counts[1] > 3.8 * counts[2] > 0


@pytest.mark.parametrize("epochs", [9, 27, 60])
def test_late_brackets_get_what_the_share_of_all_epochs_allows(epochs: int) -> None:
    hyperband = made("hyperband", epochs)
    assert isinstance(hyperband, HyperbandRule)
    early, late = hyperband.brackets
    seen = [0, 0]
    for count in range(1, 2000):
        seen[hyperband.bracket(count - 1) is late] += 1
        costs = [
            epochs + (n - 1) * expected_steps(bracket.rungs, epochs) if n else 0
            for n, bracket in zip(seen, (early, late), strict=True)
        ]
        if seen[1]:
            # The early bracket is never refused a trial: at most one of its may be above.
            assert sum(costs) <= 0.5 * epochs * count + expected_steps(early.rungs, epochs)
    assert seen[0] > seen[1] > 5
