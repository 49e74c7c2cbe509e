"""A search for α, β, γ as a study: from its spec to contenders, trainings and a ranking.

It runs through ``nascale.launch`` like every search: the same loop, store, workers and resume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

from nascale.launch import Outcome, Prepared, run, train_evaluator
from nascale.spec import SearchSpec, key_of
from search.candidate_cache import CandidateCache
from search.scaling.candidates import (
    NOT_RACING,
    Contender,
    SeededKeys,
    contender_space,
    grid_contenders,
    law_start,
)
from search.scaling.coefficient_search import (
    GridOrder,
    LawGuided,
    Ranking,
    law_of,
    measured,
    rank,
)
from search.scaling.coefficients import LawFit, paper_grid
from search.space_statistics import space_statistics
from space.architecture import Architecture
from space.codec import from_json, to_json
from space.errors import InputError
from space.rounding import POLICIES

if TYPE_CHECKING:
    from search.progress import Progress

METHODS = ("grid", "law")


@dataclass(frozen=True)
class ScalingSpec(SearchSpec):
    """The keys of a search, and those of a search for coefficients.

    ``base`` is the network's JSON; ``resolution`` and the images' classes and channels are put into it.
    """

    base: str = key_of("", "text", "The network, as JSON.")
    method: str = key_of("grid", "text", "grid or law.")
    growth: float = key_of(2.0, "float", "MACs of every contender as a multiple of the network's own.")
    step: float = key_of(0.05, "float", "Step of the grid.")
    tolerance: float = key_of(0.1, "float", "How far α·β²·γ² may be from the growth.")
    largest: float | None = key_of(None, "float", "Largest coefficient of the grid.  [default: what fits]")
    macs_tolerance: float = key_of(0.02, "float", "How far real MACs may be from the growth, as a share.")
    seeds: str = key_of("0,1,2", "text", "Seeds of the trainings: a list, or first..last.")
    most: int = key_of(16, "int", "Contenders that the law may train.")
    narrow: float = key_of(
        0.35, "float", "The law stops when every interval is this share of what the growth allows."
    )
    rounding: str = key_of("released", "text", f"Rounding policy: {', '.join(POLICIES)}.")

    def _name(self) -> str:
        name = from_json(self.base).name.partition("@")[0] if self.base else "network"
        return f"scaling-{name or 'network'}-{self.data.partition(':')[0]}-{self.method}"

    def as_dict(self) -> dict[str, Any]:
        """Every key, as it is kept with the study, but how far the law may go: a later run may go further."""
        return {name: value for name, value in super().as_dict().items() if name not in ("most", "narrow")}

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


@dataclass(frozen=True)
class ScalingSearch:
    """What is going to be trained: nothing was trained or written yet."""

    spec: ScalingSpec
    candidates: int
    contenders: tuple[Contender, ...]
    first: tuple[str, ...]
    prepared: Prepared

    @property
    def base(self) -> Contender:
        return self.contenders[0]

    @property
    def target_macs(self) -> float:
        return self.spec.growth * self.base.macs

    def summary(self) -> list[str]:
        """How many candidates, how many distinct networks, and their real MACs, in sentences."""
        scaled = [c for c in self.contenders if c.kind not in NOT_RACING]
        networks = {c.architecture.key for c in scaled}
        shares = [c.macs / self.target_macs - 1 for c in scaled]
        outside = [
            f"{c.label} ({s:+.1%})"
            for c, s in zip(scaled, shares, strict=True)
            if abs(s) > self.spec.macs_tolerance
        ]
        seeds = self.spec.seed_list
        planned = len(networks) + 1 if self.spec.method == "grid" else f"at most {self.spec.most}"
        lines = [
            f"{self.candidates} candidates and 3 single dimensions round to {len(networks)} distinct networks; "
            f"rounding {POLICIES[self.spec.rounding]}",
            f"the network has {self.base.macs:,} MACs; every contender is brought to {self.target_macs:,.0f}: "
            f"real MACs are {min(shares):+.1%} to {max(shares):+.1%} off",
            f"{planned} networks × {len(seeds)} seeds are to be trained",
        ]
        if outside:
            few = ", ".join(outside[:5]) + (f" and {len(outside) - 5} more" if len(outside) > 5 else "")
            lines.append(
                f"no rounding brings these within {self.spec.macs_tolerance:.0%}: {few}; mind that when comparing"
            )
        images = self.prepared.evaluator.images
        assert images is not None  # it trains
        larger = sum(c.architecture.resolution > images.resolution for c in self.contenders)
        if larger:
            lines.append(
                f"the images have {images.resolution} px: {larger} contenders see them enlarged, without more detail"
            )
        return lines


def prepare_scaling(architecture: Architecture, keys: dict[str, Any]) -> ScalingSearch:
    """Checks everything and makes the contenders; ``keys`` are those of ``ScalingSpec`` that were given."""
    method = keys.get("method", "grid")
    if method not in METHODS:
        raise InputError.of("method", " or ".join(METHODS), method)
    workers = keys.get("workers", 2)
    resolution = keys.get("resolution") or architecture.resolution
    growth = float(keys.get("growth", 2.0))
    if not growth > 1:
        raise InputError.of("growth", "a number above 1", growth)
    if keys.get("rounding", "released") not in POLICIES:
        raise InputError.of("rounding", f"one of {', '.join(POLICIES)}", keys["rounding"])
    keys = {"window": max(1, workers), **keys, "space": "scaling", "sampler": f"scaling-{method}"}
    draft = ScalingSpec(**{**keys, "base": to_json(architecture.replace(resolution=resolution))})
    seeds = draft.seed_list
    # Image files are decoded once, as large as resolution alone will take them.
    evaluator = train_evaluator(replace(draft, resolution=round(resolution * sqrt(growth))))
    images = evaluator.images
    base = architecture.replace(
        resolution=resolution, classes=len(images.classes), in_channels=images.channels
    )
    candidates = paper_grid(draft.step, draft.tolerance, growth, draft.largest)
    contenders, first = _contenders(base, draft, candidates)
    most = len(contenders) if method == "grid" else min(draft.most, len(contenders))
    if most < len(first):
        raise InputError.of("most", f"{len(first)} or more, the law's first design", most)
    spec = replace(draft, base=to_json(base), resolution=resolution, trials=most * len(seeds), most=most)
    space = contender_space(contenders, seeds)
    cache = CandidateCache(space, spec.settings().budgets, key=SeededKeys.of(contenders).key)
    prepared = Prepared(spec, space, evaluator, cache, None, space_statistics(cache, spec.seed))
    return ScalingSearch(spec, len(candidates), tuple(contenders), first, prepared)


def _contenders(
    base: Architecture, spec: ScalingSpec, candidates: Sequence[tuple[float, float, float]]
) -> tuple[list[Contender], tuple[str, ...]]:
    """All contenders, the base first, and the labels that the law trains first."""
    rounding = POLICIES[spec.rounding]
    grid = grid_contenders(base, candidates, spec.growth, spec.macs_tolerance, rounding)
    if spec.method == "grid":
        return grid, ()
    first = law_start(base, spec.growth, spec.macs_tolerance, rounding)
    # One contender for each network: the law gains nothing from training a network twice.
    known = {c.architecture.key for c in first}
    pool = []
    for contender in grid:
        if contender.architecture.key not in known:
            known.add(contender.architecture.key)
            pool.append(contender)
    return first + pool, tuple(c.label for c in first)


@dataclass(frozen=True)
class ScalingResult:
    """What a search for coefficients found; ``law`` is None where the points are too few for one."""

    outcome: Outcome
    ranking: Ranking
    law: LawFit | None
    why_no_law: str
    stopped: str
    trainings: int


def run_scaling(
    search: ScalingSearch,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> ScalingResult:
    """Trains what is not in the study yet, and ranks."""
    spec, seeds = search.spec, search.spec.seed_list
    proposes: GridOrder | LawGuided
    if spec.method == "grid":
        proposes = GridOrder([c.label for c in search.contenders], seeds)
    else:
        proposes = LawGuided(
            search.contenders,
            search.first,
            seeds,
            growth=spec.growth,
            narrow=spec.narrow,
            most=spec.most,
        )
    outcome = run(search.prepared, report, say, proposes)
    rows = outcome.store.results()
    results = measured(rows)
    try:
        law, why = law_of(results, search.contenders, spec.growth), ""
    except InputError as error:
        law, why = None, str(error)
    return ScalingResult(
        outcome,
        rank(results, search.contenders),
        law,
        why,
        getattr(proposes, "stopped", ""),
        sum(result.trained_here for result in rows),
    )
