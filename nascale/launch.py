"""From a spec to a search: opens what it needs, in an order that writes nothing before all of it is checked."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nascale.spec import SearchSpec
from nascale.written_space import search_space, written_template
from space.errors import InputError, UnknownNameError
from space.search_space import SearchSpace

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.images.image_set import ImageSet
    from evaluators.pools.protocol import Pool
    from evaluators.training import TrainEvaluator
    from results.trial_result import TrialResult
    from search.candidate_cache import CandidateCache, DecodedCandidate
    from search.progress import Progress
    from search.samplers.protocol import Sampler
    from search.space_statistics import SpaceStatistics
    from search.trial_store import TrialStore

EVALUATORS = ("train", "supernet", "table")
_PACKAGES = ("optuna", "torch", "ray", "numpy", "scikit-learn")


@dataclass
class Prepared:
    """A search that is ready to run: everything was checked, nothing written."""

    spec: SearchSpec
    space: SearchSpace
    evaluator: Evaluator
    cache: CandidateCache
    feasible_fallback: DecodedCandidate | None
    statistics: SpaceStatistics


@dataclass(frozen=True)
class Outcome:
    """A search that ended: where its study is, and where it stands. ``store`` holds a search in memory."""

    study: str
    storage: str
    progress: Progress
    store: TrialStore


def prepare(spec: SearchSpec) -> Prepared:
    """Opens data or table, the space and its statistics; checks budgets and the objective's costs.

    Raises InputError or BudgetError for what cannot be searched.
    """
    from search.candidate_cache import CandidateCache
    from search.samplers.registry import make_sampler
    from search.space_statistics import check_budgets, space_statistics

    space, evaluator = _space_and_evaluator(spec)
    settings = spec.settings()
    cache = CandidateCache(space, settings.budgets, evaluator)
    make_sampler(space, settings)  # a sampler that does not fit the space says so now
    feasible_fallback = check_budgets(cache, spec.seed)
    found = space_statistics(cache, spec.seed)
    for cost in settings.objective.costs_used:
        if cost not in found.ranges and cost != "latency_seconds" and not _knows(cache, cost):
            raise InputError(f"objective: the {cost} of these networks is not known")
    return Prepared(spec, space, evaluator, cache, feasible_fallback, found)


def _knows(cache: CandidateCache, cost: str) -> bool:
    from search.space_statistics import cheapest

    return cost in cheapest(cache).costs


def run(
    prepared: Prepared,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
    proposes: Sampler | None = None,
) -> Outcome:
    """Opens the study and the workers and runs the search to its end, or until Ctrl-C.

    ``proposes`` is the searcher where it is none of ``search.samplers``.
    """
    from search.loop import Loop
    from search.samplers.registry import make_sampler
    from search.study import open_study, release_study
    from search.trial_store import MEMORY, MemoryTrialStore, OptunaTrialStore

    spec, settings = prepared.spec, prepared.spec.settings()
    assert spec.study is not None
    store: TrialStore
    if spec.storage == MEMORY:
        store = MemoryTrialStore()
    else:
        attributes = {"provenance": provenance(prepared), "space": _described(prepared)}
        store = open_study(
            spec.storage, spec.study, stored_spec(spec), settings.objective, prepared.space, attributes
        )
    try:
        stored = store.results()
        if stored:
            done = sum(trial.status.finished for trial in stored)
            again = len(stored) - done
            say(
                f"going on with study {spec.study}: {done} trials done"
                + (f", {again} to run again" if again else "")
            )
        if sum(trial.status.finished for trial in stored) >= spec.trials:
            return Outcome(spec.study, spec.storage, _standing(stored, spec.trials), store)
        _make_ready(prepared, say)
        with _pool(prepared) as pool:
            loop = Loop(
                settings,
                prepared.cache,
                proposes or make_sampler(prepared.space, settings),
                pool,
                store,
                fidelity=prepared.evaluator.fidelity,
                schedule=prepared.evaluator.schedule,
                report=report,
                feasible_fallback=prepared.feasible_fallback,
            )
            return Outcome(spec.study, spec.storage, loop.run(), store)
    finally:
        if isinstance(store, OptunaTrialStore):
            release_study(store)


def _make_ready(prepared: Prepared, say: Callable[[str], None]) -> None:
    """Does what the evaluator wants done once, before the workers get it."""
    from nascale.progress import epoch_lines

    spec = prepared.spec
    # The processors of one worker, not of all: the weights are then the same whatever the number of workers.
    threads = max(1, int(spec.cpus_per_trial))
    prepared.evaluator = prepared.evaluator.prepare(
        [spec.seed], threads=threads, report=epoch_lines("supernet", say)
    )


def stored_spec(spec: SearchSpec) -> dict[str, Any]:
    """The spec as it is kept with a study: without the password of a database."""
    from results.storage_url import redacted

    return spec.as_dict() | {"storage": redacted(spec.storage)}


def _standing(results: Sequence[TrialResult], total: int) -> Progress:
    from search.progress import Progress

    progress = Progress(total)
    for result in results:
        if result.status.finished:
            progress.count(result)
    return progress


def _space_and_evaluator(spec: SearchSpec) -> tuple[SearchSpace, Evaluator]:
    if spec.evaluator not in EVALUATORS:
        raise UnknownNameError("evaluator", spec.evaluator, EVALUATORS)
    if spec.evaluator == "table":
        from evaluators.table_file import open_table

        assert spec.table is not None
        table = open_table(spec.table)
        if spec.space not in (None, table.space.name):
            raise InputError.of("space", f"{table.space.name}, the table's", spec.space)
        return table.space, table
    return _training(spec)


def _training(spec: SearchSpec) -> tuple[SearchSpace, Evaluator]:
    from space.spaces import SPACES

    assert spec.space is not None
    if written_template(spec.space) is None and spec.space not in SPACES:
        raise UnknownNameError("space", spec.space, SPACES)
    training = train_evaluator(spec)
    space = study_space(spec, training.images)
    evaluator: Evaluator = training
    if spec.evaluator == "supernet":
        from evaluators.cache import writable_cache
        from evaluators.supernet.evaluator import SupernetEvaluator

        writable_cache()
        bounds = spec.settings().budgets.bounds().values()
        limits = {cost: bound for cost, bound in bounds if cost != "latency_seconds"}
        evaluator = SupernetEvaluator(training, space, limits)
    elif spec.rungs is not None:
        from evaluators.multi_fidelity import MultiFidelityEvaluator

        evaluator = MultiFidelityEvaluator.parse(spec.rungs, training)
    if spec.max_latency is not None or "latency_seconds" in spec.settings().objective.costs_used:
        from evaluators.latency import LatencyEvaluator, TimedEvaluator

        how = LatencyEvaluator(
            spec.latency_batch,
            mode=spec.latency_mode,
            device=spec.device,
            threads=max(1, int(spec.cpus_per_trial)),
        )
        return space, TimedEvaluator(evaluator, how, spec.max_latency)
    return space, evaluator


def study_space(spec: SearchSpec, images: ImageSet) -> SearchSpace:
    """The space of ``spec`` for ``images``."""
    assert spec.space is not None
    pixels = spec.resolution or images.resolution
    return search_space(spec.space, pixels, images.channels, len(images.classes))


def train_evaluator(spec: SearchSpec) -> TrainEvaluator:
    """The images and the recipe of ``spec``; image files are decoded at its resolution."""
    from evaluators.images.loading import load
    from evaluators.recipe import Recipe
    from evaluators.training import TrainEvaluator

    images = load(
        spec.data, seed=spec.seed, validation=spec.validation, size=spec.resolution, skip_bad=spec.skip_bad
    )
    return TrainEvaluator(images, Recipe(**{item.name: getattr(spec, item.name) for item in fields(Recipe)}))


def _pool(prepared: Prepared) -> Pool:
    from evaluators.pools.opening import open_pool
    from evaluators.pools.protocol import PoolSettings

    spec = prepared.spec
    settings = PoolSettings(
        workers=spec.workers,
        cpus_per_trial=spec.cpus_per_trial,
        gpus_per_trial=spec.gpus_per_trial,
        retries=spec.retries,
        trial_timeout=spec.trial_timeout,
        ray_address=spec.ray_address,
    )
    return open_pool(prepared.evaluator, settings)


def provenance(prepared: Prepared) -> dict[str, Any]:
    """What the results depend on beside the spec: versions, commit, machine, data, command."""
    told = prepared.evaluator.describe()
    data = told.get("data")
    checksum = data.get("checksum") if isinstance(data, Mapping) else told.get("checksum")
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    from nascale import __version__
    from results.storage_url import redacted

    return {
        "nascale": __version__,
        "packages": packages,
        "git_commit": _commit(),
        "device": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        "data_checksum": checksum,
        "command": shlex.join(map(redacted, sys.argv)),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "evaluator": told,
    }


def _commit() -> str | None:
    """The commit of the checkout that this package lies in, marked where files differ from it; None where it was installed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def _described(prepared: Prepared) -> dict[str, Any]:
    space, images = prepared.space, prepared.evaluator.images
    return {
        "name": space.name,
        "resolution": prepared.spec.resolution or (images.resolution if images is not None else None),
        "in_channels": images.channels if images is not None else None,
        "classes": len(images.classes) if images is not None else None,
        "decisions": [[d.name, list(d.options)] for d in space.decisions],
    }
