"""A search for α, β, γ as one frozen value; its settings are the options of ``nascale scale search``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nascale.study_spec import StudySpec
from search.settings import SearchSettings
from space.architecture import Architecture
from space.codec import from_json, to_json
from space.errors import InputError
from space.limits import LARGEST_FACTOR
from space.rounding import POLICIES
from space.setting import setting

METHODS = ("grid", "law", "star")
DERIVED = frozenset({"base", "trials", "seed", "window"})
"""Settings that follow from the others, so that they are no options."""


@dataclass(frozen=True, kw_only=True)
class ScalingSpec(StudySpec):
    """What to scale, which candidates compete, and with which seeds each is trained.

    ``base`` is the network; ``resolution`` and the images' classes and channels have been put into it.
    """

    base: Architecture = setting(None, "value", "The network, as JSON.")
    method: str = setting(
        "grid",
        "text",
        "Train every candidate of the grid, or (law) the few that a fitted law asks for, or (star) single dimensions made smaller "
        "from one large centre, fitted by their losses.",
    )
    growth: float = setting(2.0, "float", "MACs of every candidate as a multiple of ARCH's own.")
    step: float = setting(0.05, "float", "Step of the grid.")
    tolerance: float = setting(0.1, "float", "How far α·β²·γ² may be from the growth.")
    largest: float | None = setting(None, "float", "Largest coefficient of the grid.  [default: what fits]")
    macs_tolerance: float = setting(
        0.02,
        "float",
        "How far real MACs may be from the growth, as a share: φ is nudged, then small moves follow.",
    )
    seeds: str = setting("0,1,2", "text", "Seeds of every training: a list, or first..last.")
    most: int = setting(
        16,
        "int",
        "Candidates that the law may train; trainings of the star by the number of seeds.",
        may_change=True,
    )
    narrow: float = setting(
        0.35,
        "float",
        "Law and star stop when every interval is at most this share of what the growth allows.",
        may_change=True,
    )
    centre: float = setting(4.0, "float", "MACs of the star's centre as a multiple of ARCH's own.")
    down: float = setting(4.0, "float", "MACs of the centre as a multiple of those at the end of each arm.")
    cooldowns: str | None = setting(
        None,
        "text",
        "Shorter lengths in epochs, such as 1,2, that each training of the star gives as well: its rate is constant, and it cools down at each.",
    )
    rounding: str = setting("released", "text", f"Rounding policy: {', '.join(POLICIES)}.")

    def __post_init__(self) -> None:
        if isinstance(self.base, str):
            self._fill("base", from_json(self.base))
        if not isinstance(self.base, Architecture):
            raise InputError.of("base", "a network, or its JSON", self.base)
        if self.window is None:
            self._fill("window", max(1, self.pool.workers))
        if self.method not in METHODS:
            raise InputError.of("method", ", ".join(METHODS[:-1]) + f" or {METHODS[-1]}", self.method)
        if not self.growth > 1:
            raise InputError.of("growth", "a number above 1", self.growth)
        if not 1 <= self.centre <= LARGEST_FACTOR:
            raise InputError.of("centre", f"a number of 1 or more, up to {LARGEST_FACTOR}", self.centre)
        if not 1 < self.down <= LARGEST_FACTOR:
            raise InputError.of("down", f"a number above 1, up to {LARGEST_FACTOR}", self.down)
        if self.cooldowns is not None and self.method != "star":
            raise InputError.of("cooldowns", "method star", self.method)
        if self.rounding not in POLICIES:
            raise InputError.of("rounding", f"one of {', '.join(POLICIES)}", self.rounding)
        assert self.seed_list
        super().__post_init__()

    def _name(self) -> str:
        name = self.base.name.partition("@")[0] or "network"
        return f"scaling-{name}-{self.images.data.partition(':')[0]}-{self.method}"

    @property
    def sampler_name(self) -> str:
        return f"scaling-{self.method}"

    def settings(self) -> SearchSettings:
        """What the loop needs of it."""
        return SearchSettings(**vars(self.run), sampler=self.sampler_name, window=self.window)

    def as_dict(self) -> dict[str, Any]:
        """Every key with its value, and what lists of studies show of any search."""
        shown = {
            "space": "scaling",
            "sampler": self.sampler_name,
            "evaluator": "train",
            "objective": "accuracy",
        }
        return super().as_dict() | shown | {"base": to_json(self.base)}

    @classmethod
    def canonical(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A stored spec in today's form: its network may have been kept in an older form."""
        known = {"centre": 4.0, "down": 4.0, "cooldowns": None, **super().canonical(spec)}
        return {**known, "base": to_json(from_json(spec["base"]))} if "base" in spec else known

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, in order. Raises InputError."""
        first, dots, last = self.seeds.partition("..")
        try:
            found = tuple(
                range(int(first), int(last) + 1) if dots else (int(part) for part in self.seeds.split(","))
            )
        except ValueError:
            found = ()
        if not found or len(set(found)) < len(found) or min(found) < 0:
            raise InputError.of("seeds", "distinct seeds such as 0,1,2 or 0..2", self.seeds)
        return found
