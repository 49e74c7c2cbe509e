"""Opens what a spec measures networks with, and the space that it searches. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from evaluators.cache import writable_cache
from nascale.spaces import as_stored, search_space
from nascale.spec import SearchSpec
from nascale.study_spec import StudySpec
from space.errors import InputError, UnknownNameError
from space.search_space import SearchSpace

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.images.image_set import ImageSet
    from evaluators.training import TrainEvaluator
    from search.candidate_cache import CandidateCache
    from search.prior.network_scores import ScoreSettings


def space_and_evaluator(
    spec: SearchSpec, stored: Mapping[str, Any] = MappingProxyType({})
) -> tuple[SearchSpace, Evaluator]:
    """The space of ``spec`` and what measures its networks. ``stored`` is what its study keeps of the space, where there is one.

    Raises InputError for data, a table or a space that cannot be used.
    """
    if spec.table is None or spec.evaluator != "table":
        return _trained(spec, stored)
    from evaluators.table_file import open_table

    table = open_table(spec.table)
    if spec.space not in (None, table.space.name):
        raise InputError.of("space", f"{table.space.name}, the table's", spec.space)
    return table.space, table


def _trained(spec: SearchSpec, stored: Mapping[str, Any]) -> tuple[SearchSpace, Evaluator]:
    from space.spaces import SPACES

    if isinstance(spec.space, str) and spec.space not in SPACES:
        raise UnknownNameError("space", spec.space, SPACES)
    training = train_evaluator(spec, spec.resolution)
    space = as_stored(study_space(spec, training.images), stored)
    evaluator: Evaluator = training
    if spec.evaluator == "supernet":
        from evaluators.supernet.evaluator import SupernetEvaluator

        writable_cache()
        evaluator = SupernetEvaluator(training, space, spec.budgets.of_architecture)
    elif spec.rungs is not None:
        from evaluators.multi_fidelity import MultiFidelityEvaluator

        evaluator = MultiFidelityEvaluator.parse(spec.rungs, training)
    if not spec.measures_latency:
        return space, evaluator
    from evaluators.latency import LatencyEvaluator, TimedEvaluator

    how = LatencyEvaluator(
        spec.latency_batch,
        mode=spec.latency_mode,
        device=spec.recipe.device,
        threads=max(1, int(spec.pool.cpus_per_trial)),
    )
    return space, TimedEvaluator(evaluator, how, spec.budgets.max_latency)


def check_device(spec: StudySpec) -> None:
    """Raises InputError for a device or a precision that the workers of this machine cannot have.

    What the machines of a cluster have is known only there.
    """
    if spec.pool.ray_address is None:
        from evaluators.device import pick_device, wants_bfloat16

        wants_bfloat16(spec.recipe.precision, pick_device(spec.recipe.device))


def study_space(spec: SearchSpec, images: ImageSet) -> SearchSpace:
    """The space of ``spec`` for ``images``, around its budgets where it is such a space."""
    assert spec.space is not None
    pixels = spec.resolution or images.resolution
    return search_space(
        spec.space,
        pixels,
        images.channels,
        len(images.classes),
        spec.budgets,
        small_may_win=spec.small_may_win,
    )


def train_evaluator(spec: StudySpec, pixels: int | None) -> TrainEvaluator:
    """The images and the recipe of ``spec``; image files are decoded at ``pixels`` (None: as they are)."""
    from evaluators.data import load
    from evaluators.training import TrainEvaluator

    check_device(spec)
    images = load(
        spec.images.data,
        seed=spec.run.seed,
        validation=spec.images.validation,
        size=pixels,
        skip_bad=spec.images.skip_bad,
        max_image_bytes=spec.images.max_image_bytes,
    )
    batch = fitting_batch(spec, images)
    if spec.pool.checkpoint_every is not None:
        writable_cache()
    recipe = spec.recipe.replace(batch_size=batch)
    return TrainEvaluator(images, recipe, checkpoint_seconds=spec.pool.checkpoint_every)


def fitting_batch(spec: StudySpec, images: ImageSet | None) -> int:
    """Images in a batch: the recipe's, or fewer if that is the default and the set has not as many.

    It is then a quarter of the training images, so that an epoch has four steps; of the smallest training where
    each network has several.
    """
    from evaluators.training import TrainEvaluator

    asked = spec.recipe.batch_size
    if images is None or not spec.fits_batch:
        return asked
    smallest = spec.recipe.replace(batch_size=2, fraction=min(spec.recipe.fraction, spec.smallest_fraction))
    count = len(TrainEvaluator(images, smallest).subset())
    return asked if asked <= count else max(2, count // 4)


def score_settings(
    spec: SearchSpec, cache: CandidateCache, images: ImageSet | None = None
) -> ScoreSettings | None:
    """The scores that ``spec.prior`` names, on ``images``, else on the data of ``spec``; None without a prior.

    Images are read only where a score needs them. Raises InputError where the networks of ``cache`` have no such score.
    """
    if spec.prior is None:
        return None
    from evaluators.data import load
    from search.prior.network_scores import NetworkScores, ScoreSettings

    found = ScoreSettings.parse(spec.prior, lambda: images or load(spec.images.data, seed=spec.run.seed))
    NetworkScores(found, cache).check()
    return found
