"""Declared settings: groups count as one's own, and names are given once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from space.setting import changeable, declared, group, groups, setting


@dataclass(frozen=True)
class Part:
    size: int = setting(3, "int", "Size.", may_change=True)
    note: str = "no setting"


@dataclass(frozen=True)
class Base:
    seed: int = setting(0, "int", "Seed.")
    part: Part = group(Part)


@dataclass(frozen=True)
class Whole(Base):
    name: str = setting("a", "text", "Name.", may_change=True)


def test_own_settings_come_first_then_inherited_ones_then_groups() -> None:
    assert list(declared(Whole)) == ["name", "seed", "size"]
    assert groups(Whole) == {"part": Part}
    assert Whole().part == Part(3)


def test_what_may_change_is_told_across_groups() -> None:
    assert changeable(Whole) == {"name", "size"}


def test_a_name_is_declared_once() -> None:
    @dataclass(frozen=True)
    class Twice(Base):
        size: int = setting(1, "int", "Size again.")

    with pytest.raises(AssertionError, match="two settings are called size"):
        declared(Twice)


def test_a_kind_is_one_that_is_known() -> None:
    with pytest.raises(AssertionError, match="furlong"):
        setting(1, "furlong", "Length.")
