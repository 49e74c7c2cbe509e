"""A search for α, β, γ as a study: from its spec to candidates, trainings and a ranking.

It runs through ``nascale.launch`` like every search: the same loop, store, workers and resume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, TypeVar

from nascale.evaluation import train_evaluator
from nascale.launch import Outcome, Prepared, check_found, run
from nascale.scaling_spec import ScalingSpec
from search.candidate_cache import CandidateCache
from search.scaling.candidate_space import SEED, SeededKeys, candidate_space
from search.scaling.candidates import ScalingCandidate, grid_candidates, law_start
from search.scaling.coefficient_grid import paper_grid
from search.scaling.law_fit import LawFit
from search.scaling.loss_fit import LossFit, fit_loss
from search.scaling.loss_measurements import loss_rows
from search.scaling.loss_points import LossPoints
from search.scaling.measurements import fit_measured, measured
from search.scaling.ranking import Ranking, rank
from search.scaling.samplers import GridSampler, LawSampler, ScalingSampler
from search.scaling.star import star_candidates
from search.scaling.star_sampler import StarSampler
from search.settings import Budgets
from search.space_statistics import space_statistics
from space.architecture import Architecture
from space.errors import InputError
from space.rounding import POLICIES
from space.scaling.realised import Triple

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from search.progress import Progress

F = TypeVar("F")


@dataclass(frozen=True)
class ScalingSearch:
    """What is going to be trained: nothing was trained or written yet."""

    spec: ScalingSpec
    coefficients: int
    candidates: tuple[ScalingCandidate, ...]
    first: tuple[str, ...]
    images_resolution: int
    prepared: Prepared

    @property
    def base(self) -> ScalingCandidate:
        return self.candidates[0]

    @property
    def target_macs(self) -> float:
        return self.spec.growth * self.base.macs

    def summary(self) -> list[str]:
        """How many candidates, how many distinct networks, and their real MACs, in sentences."""
        scaled = [c for c in self.candidates if c.competes]
        networks = {c.architecture.key for c in scaled}
        shares = [c.macs / self.target_macs - 1 for c in scaled]
        outside = [
            f"{c.label} ({s:+.1%})"
            for c, s in zip(scaled, shares, strict=True)
            if abs(s) > self.spec.macs_tolerance
        ]
        seeds = self.spec.seed_list
        planned = len(networks) + 1 if self.spec.method == "grid" else f"at most {self.spec.most}"
        lines = [] if self.spec.method != "star" else self._star_summary()
        lines += [
            f"{self.coefficients} choices of α, β, γ and 3 single dimensions round to {len(networks)} distinct networks; "
            f"rounding {POLICIES[self.spec.rounding]}",
            f"the network has {self.base.macs:,} MACs; every candidate is scaled to {self.target_macs:,.0f}: "
            f"real MACs are {min(shares):+.1%} to {max(shares):+.1%} off",
            f"{len(self.first)} networks × 1 seed are to be trained, then those that tell the most per second: at most "
            f"{self.spec.run.trials} trainings"
            if self.spec.method == "star"
            else f"{planned} networks × {len(seeds)} seeds are to be trained",
        ]
        if outside:
            few = ", ".join(outside[:5]) + (f" and {len(outside) - 5} more" if len(outside) > 5 else "")
            lines.append(
                f"no rounding brings these within {self.spec.macs_tolerance:.0%}: {few}; mind that when comparing"
            )
        larger = sum(c.architecture.resolution > self.images_resolution for c in self.candidates)
        if larger:
            lines.append(
                f"the images have {self.images_resolution} px: {larger} candidates see them enlarged, without more detail"
            )
        return lines

    def _star_summary(self) -> list[str]:
        star = [c for c in self.candidates if c.kind == "star"]
        return [
            f"the star: a centre of {star[0].macs / self.base.macs:.2f} times the MACs and {len(star) - 1} networks that are smaller in one "
            f"dimension, down to {min(c.macs for c in star) / self.base.macs:.2f} times"
        ]


def scaling_spec(architecture: Architecture, keys: Mapping[str, Any]) -> ScalingSpec:
    """The spec of a search that scales ``architecture``; ``keys`` are the settings that were given."""
    resolution = keys.get("resolution") or architecture.resolution
    base = architecture.replace(resolution=resolution)
    return ScalingSpec.of(**{**keys, "base": base, "resolution": resolution})


def prepare_scaling(draft: ScalingSpec) -> ScalingSearch:
    """Opens the images and makes the candidates. Raises InputError for what cannot be searched."""
    seeds, resolution = draft.seed_list, draft.base.resolution
    # Image files are decoded once, as large as resolution alone, or the star's centre, will take them.
    evaluator = train_evaluator(draft, round(resolution * max(sqrt(draft.growth), draft.centre ** (1 / 6))))
    trained: Evaluator = evaluator
    if draft.method == "star":
        trained = evaluator = replace(evaluator, order_by=SEED)
    if draft.cooldowns is not None:
        from evaluators.cooldown import CooldownEvaluator

        trained = CooldownEvaluator.parse(draft.cooldowns, evaluator)
    images = evaluator.images
    base = draft.base.replace(classes=len(images.classes), in_channels=images.channels)
    grid = paper_grid(draft.step, draft.tolerance, draft.growth, draft.largest)
    candidates, first = _candidates(base, draft, grid)
    most = len(candidates) if draft.method == "grid" else min(draft.most, len(candidates))
    if draft.method == "star":
        if most * len(seeds) < len(first):
            wanted = f"{ceil(len(first) / len(seeds))} or more for {len(seeds)} seeds, so that the whole star is trained"
            raise InputError.of("most", wanted, most)
    elif most < len(first):
        raise InputError.of("most", f"{len(first)} or more, the law's first design", most)
    batch = evaluator.recipe.batch_size
    spec = draft.replace(base=base, trials=most * len(seeds), most=most, batch_size=batch)
    space = candidate_space(candidates, seeds)
    cache = CandidateCache(space, Budgets(), key=SeededKeys.of(candidates).key)
    found = space_statistics(cache, spec.run.seed)
    prepared = Prepared(spec, space, trained, cache, None, found, batch != draft.recipe.batch_size)
    return ScalingSearch(spec, len(grid), tuple(candidates), first, images.resolution, prepared)


def _candidates(
    base: Architecture, spec: ScalingSpec, coefficients: Sequence[Triple]
) -> tuple[list[ScalingCandidate], tuple[str, ...]]:
    """All candidates, the base first, and the labels that the law or the star trains first."""
    rounding = POLICIES[spec.rounding]
    grid = grid_candidates(base, coefficients, spec.growth, spec.macs_tolerance, rounding)
    if spec.method == "grid":
        return grid, ()
    if spec.method == "star":
        first = star_candidates(
            base,
            spec.growth,
            centre=spec.centre,
            down=spec.down,
            tolerance=spec.macs_tolerance,
            rounding=rounding,
        )
    else:
        first = law_start(base, spec.growth, spec.macs_tolerance, rounding)
    # One candidate for each network: a law gains nothing from training a network twice.
    known = {c.architecture.key for c in first}
    others = []
    for candidate in grid:
        if candidate.architecture.key not in known:
            known.add(candidate.architecture.key)
            others.append(candidate)
    return first + others, tuple(c.label for c in first)


@dataclass(frozen=True)
class ScalingResult:
    """What a search for coefficients found: by accuracies (``law``) or, of a star, by losses (``loss``).

    It is None where the points are too few for it, and ``why_…`` says so.
    """

    outcome: Outcome
    ranking: Ranking
    law: LawFit | None
    why_no_law: str
    loss: LossFit | None
    why_no_loss: str
    stopped: str
    trainings: int


def run_scaling(
    search: ScalingSearch,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> ScalingResult:
    """Trains what is not in the study yet, and ranks."""
    spec = search.spec
    sampler = _sampler(search)
    outcome = run(search.prepared, report, say, sampler)
    check_found(outcome)
    rows = outcome.store.results()
    results = measured(rows)
    law, why, loss, why_no_loss = None, "", None, ""
    if spec.method != "star":
        law, why = _fitted(lambda: fit_measured(results, search.candidates, spec.growth))
    else:
        losses = list(loss_rows(rows, search.candidates, spec.recipe.epochs))
        loss, why_no_loss = _fitted(lambda: fit_loss(LossPoints.of(losses), growth=spec.growth))
    return ScalingResult(
        outcome,
        rank(results, search.candidates),
        law,
        why,
        loss,
        why_no_loss,
        sampler.stopped,
        sum(result.trained_here for result in rows),
    )


def _fitted(fit: Callable[[], F]) -> tuple[F | None, str]:
    """A fit, or None and why there is none."""
    try:
        return fit(), ""
    except InputError as error:
        return None, str(error)


def _sampler(search: ScalingSearch) -> ScalingSampler:
    spec, seeds = search.spec, search.spec.seed_list
    if spec.method == "grid":
        return GridSampler([c.label for c in search.candidates], seeds)
    if spec.method == "law":
        return LawSampler(
            search.candidates, search.first, seeds, growth=spec.growth, narrow=spec.narrow, most=spec.most
        )
    return StarSampler(
        search.candidates,
        search.first,
        seeds,
        epochs=spec.recipe.epochs,
        growth=spec.growth,
        narrow=spec.narrow,
    )
