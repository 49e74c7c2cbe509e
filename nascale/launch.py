"""From a spec to a search: opens what it needs, in an order that writes nothing before all of it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nascale import transfer
from nascale.origin import described, provenance
from nascale.progress import epoch_lines
from nascale.spec import AUTO, NONE, SearchSpec
from nascale.stopping import handlers_kept
from nascale.study_spec import StudySpec
from results.attributes import STOCK
from results.storage_url import redacted
from results.stored_values import named_damage
from space.errors import BudgetError, RunError
from space.search_space import SearchSpace
from space.setting import changeable

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.images.image_set import ImageSet
    from results.trial_result import TrialResult
    from search.candidate_cache import CandidateCache, DecodedCandidate
    from search.prior.network_scores import NetworkScores
    from search.progress import Progress
    from search.samplers.protocol import Sampler
    from search.settings import SearchSettings
    from search.space_statistics import SpaceStatistics
    from search.stock import StockCandidate
    from search.transfer.experience import Experience
    from search.trial_store import TrialStore


@dataclass
class Prepared:
    """A search that is ready to run: everything was checked, nothing written.

    ``batch_fitted`` says that the batch was made smaller than the default, because the set is small. ``stock`` are the known
    networks that it is compared with, ``experiences`` what the search starts from, ``scores`` what it knows of networks without
    training them.
    """

    spec: StudySpec
    space: SearchSpace
    evaluator: Evaluator
    cache: CandidateCache
    feasible_fallback: DecodedCandidate | None
    statistics: SpaceStatistics
    batch_fitted: bool = False
    stock: tuple[StockCandidate, ...] = ()
    experiences: tuple[Experience, ...] = ()
    scores: NetworkScores | None = None


@dataclass(frozen=True)
class Outcome:
    """A search that ended: where its study is, and where it stands. ``store`` holds a search in memory, ``scores``
    what was known of networks without training them."""

    study: str
    storage: str
    progress: Progress
    store: TrialStore
    scores: NetworkScores | None = None


def prepare(spec: SearchSpec) -> Prepared:
    """Opens data or table, the space and its statistics; checks budgets and the objective's costs.

    Raises InputError or BudgetError for what cannot be searched.
    """
    from nascale.evaluation import fitting_batch, score_settings, space_and_evaluator
    from search.candidate_cache import CandidateCache
    from search.prior.network_scores import NetworkScores
    from search.samplers.registry import make_sampler
    from search.space_statistics import check_budgets, check_costs, space_statistics

    begun = attributes_begun(spec)
    spec = as_begun(spec, begun)
    space, evaluator = space_and_evaluator(spec, (begun or {}).get("space", {}))
    batch = fitting_batch(spec, evaluator.images)
    fitted = batch != spec.recipe.batch_size
    spec = spec.replace(batch_size=batch)
    settings = spec.settings()
    cache = CandidateCache(space, settings.budgets, evaluator)
    found_before = transfer.experiences(spec, space)
    prior = score_settings(spec, cache, evaluator.images)
    scores = None if prior is None else NetworkScores(prior, cache)
    make_sampler(space, settings, found_before, scores)  # a sampler that does not fit the space says so now
    feasible_fallback = check_budgets(cache, settings.seed)
    found = space_statistics(cache, settings.seed)
    check_costs(cache, settings.objective)
    compared = stock(spec, space, cache, evaluator.images, begun)
    return Prepared(
        spec,
        space,
        evaluator,
        cache,
        feasible_fallback,
        found,
        fitted,
        compared,
        experiences=found_before,
        scores=scores,
    )


def run(
    prepared: Prepared,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
    sampler: Sampler | None = None,
) -> Outcome:
    """Opens the study and the workers and runs the search to its end, or until Ctrl-C.

    ``sampler`` is the one to use if it is none of ``search.samplers``.
    """
    from evaluators.pools.opening import check_pool, open_pool
    from search.loop import Loop
    from search.samplers.registry import make_sampler

    spec = prepared.spec
    settings = spec.settings()
    check_pool(prepared.evaluator, spec.pool)
    store = _open_store(prepared, say)
    try:
        with named_damage(spec.study):
            stored = store.results()
        done = sum(trial.status.finished for trial in stored)
        if stored:
            again = len(stored) - done
            say(
                f"going on with study {spec.study}: {done} trials done"
                + (f", {again} to run again" if again else "")
            )
        if done >= settings.trials:
            return Outcome(spec.study, spec.storage, _standing(stored, settings), store)
        _make_ready(prepared, say)
        with handlers_kept():
            opened = open_pool(prepared.evaluator, replace(spec.pool, patience=spec.run.patience), say)
        with opened as pool:
            loop = Loop(
                settings,
                prepared.cache,
                sampler or make_sampler(prepared.space, settings, prepared.experiences, prepared.scores),
                pool,
                store,
                fidelity=prepared.evaluator.fidelity,
                schedule=prepared.evaluator.schedule,
                report=report,
                feasible_fallback=prepared.feasible_fallback,
                stock=prepared.stock,
            )
            return Outcome(spec.study, spec.storage, loop.run(), store, prepared.scores)
    finally:
        store.close()


def check_found(outcome: Outcome) -> None:
    """Raises RunError for a search all of whose trials failed."""
    progress = outcome.progress
    if progress.finished and progress.failed == progress.finished:
        last = [trial for trial in outcome.store.results() if trial.status.failed][-1]
        raise RunError(
            f"study {outcome.study}: {progress.failed} of {progress.finished} trials failed; the last, {last.status}: {last.error}"
        )


def stock(
    spec: SearchSpec,
    space: SearchSpace,
    cache: CandidateCache,
    images: ImageSet | None,
    begun: Mapping[str, Any] | None,
) -> tuple[StockCandidate, ...]:
    """The known networks that the search of ``spec`` measures first, within its budgets: as many as its study was ``begun`` with.

    Those that are asked for by name and cannot be brought under the budgets are refused (BudgetError).
    """
    from search.stock import stock_candidates
    from space.stock import stock_networks

    if images is None or not spec.stock_names:
        return ()
    networks = stock_networks(
        spec.stock_names,
        spec.budgets.of_architecture,
        resolution=spec.resolution or images.resolution,
        in_channels=images.channels,
        classes=len(images.classes),
    )
    found = {network.name.partition("@")[0] for network in networks}
    missing = [name for name in spec.stock_names if name not in found]
    if missing and spec.stock != AUTO:
        raise BudgetError(f"stock: {', '.join(missing)} cannot be made so small that it meets the budgets")
    if begun is not None:
        networks = networks[: len(begun.get(STOCK, ()))]
    return stock_candidates(networks, cache, space.known)


def attributes_begun(spec: SearchSpec) -> Mapping[str, Any] | None:
    """The attributes of the study of ``spec``; None where there is none yet."""
    from results.studies import attributes_of
    from search.trial_store import MEMORY

    return None if spec.storage == MEMORY else attributes_of(spec.study, spec.storage)


def as_begun(spec: SearchSpec, begun: Mapping[str, Any] | None) -> SearchSpec:
    """The spec as its study was ``begun``, in what is left to the search: an older version may have left it to something else."""
    stored = (begun or {}).get("spec")
    if stored is None:
        return spec
    changes: dict[str, Any] = {}
    if spec.repeats == AUTO and "repeats" not in stored:
        changes["repeats"] = 0
    if spec.stock == AUTO and "stock" not in stored:
        changes["stock"] = NONE
    if spec.fits_space and stored.get("space") is not None:
        changes["space"] = stored["space"]
    return spec.replace(**changes) if changes else spec


def _open_store(prepared: Prepared, say: Callable[[str], None]) -> TrialStore:
    """Where the trials go: memory, or the study of the spec, made anew or gone on with."""
    from search.study import open_study
    from search.trial_store import MEMORY, MemoryTrialStore

    spec = prepared.spec
    if spec.storage == MEMORY:
        return MemoryTrialStore()
    attributes = {
        "provenance": provenance(prepared.evaluator) | transfer.summary(prepared.experiences),
        "space": described(prepared.space, spec.resolution, prepared.evaluator.images),
        **transfer.attributes(prepared.experiences),
        **({STOCK: [one.name for one in prepared.stock]} if prepared.stock else {}),
    }
    return open_study(
        spec.storage,
        spec.study,
        stored_spec(spec),
        spec.settings().objective,
        prepared.space,
        attributes,
        may_change=changeable(type(spec)),
        canonical=spec.canonical,
        patience=spec.run.patience,
        say=say,
    )


def _make_ready(prepared: Prepared, say: Callable[[str], None]) -> None:
    """Does what the evaluator wants done once, before the workers get it."""
    spec = prepared.spec
    # The processors of one worker, not of all: the weights are then the same whatever the number of workers.
    threads = max(1, int(spec.pool.cpus_per_trial))
    prepared.evaluator = prepared.evaluator.prepare(
        [spec.run.seed], threads=threads, report=epoch_lines("supernet", say)
    )
    for doubt in prepared.evaluator.doubts:
        say(f"warning: {doubt}")


def stored_spec(spec: StudySpec) -> dict[str, Any]:
    """The spec as it is kept with a study: without the passwords of databases."""
    kept = spec.as_dict() | {"storage": redacted(spec.storage)}
    if kept.get("learn_from") is not None:
        kept["learn_from"] = redacted(kept["learn_from"])
    return kept


def _standing(results: Sequence[TrialResult], settings: SearchSettings) -> Progress:
    from search.progress import Progress

    progress = Progress(settings.trials, settings.objective.merit)
    for result in results:
        if result.status.finished:
            progress.count(result)
    return progress
