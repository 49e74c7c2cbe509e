"""Rules by name, for each kind of schedule."""

from __future__ import annotations

import pytest

from evaluators.evaluator import FidelitySchedule
from search.pruning.halving import HalvingRule
from search.pruning.hyperband import HyperbandRule
from search.pruning.registry import make_rule, pruners
from space.errors import UnknownNameError


def test_rules_are_found_by_name() -> None:
    assert list(pruners()) == ["halving", "hyperband", "median", "none"]
    assert all(info.description for info in pruners().values())
    assert make_rule("none", FidelitySchedule(5)) is None
    with pytest.raises(UnknownNameError, match="nearest: hyperband"):
        make_rule("hyperbnd", FidelitySchedule(5))


def test_a_schedule_of_restarts_is_judged_after_each_level() -> None:
    hyperband = make_rule("hyperband", FidelitySchedule(3, restarts=True))
    assert isinstance(hyperband, HyperbandRule)
    assert [bracket.rungs for bracket in hyperband.brackets] == [[1, 2], [2]]
    halving = make_rule("halving", FidelitySchedule(3, restarts=True))
    assert isinstance(halving, HalvingRule)
    assert halving.rungs == [1, 2]
