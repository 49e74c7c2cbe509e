"""Opens the pool that suits an evaluator and the settings."""

from __future__ import annotations

from collections.abc import Callable

from evaluators.evaluator import Evaluator
from evaluators.pools import ray_cluster
from evaluators.pools.inline import InlinePool
from evaluators.pools.protocol import Pool, PoolSettings
from evaluators.pools.ray import RayPool
from evaluators.pools.thread import ThreadPool


def check_pool(evaluator: Evaluator, settings: PoolSettings) -> None:
    """Raises InputError for workers that can never be, before anything is written: no such cluster, too few GPUs."""
    if not evaluator.instant and settings.workers:
        ray_cluster.check(settings)


def open_pool(
    evaluator: Evaluator, settings: PoolSettings, say: Callable[[str], None] = lambda text: None
) -> Pool:
    """The pool: inline if the evaluator answers at once, a thread without workers, Ray otherwise.

    ``say`` is told what happens to its workers that a user should know. Raises InputError if the cluster is not there, or
    cannot hold that many workers, and RunError if no Ray starts here.
    """
    if evaluator.instant:
        return InlinePool(evaluator)
    if settings.workers == 0:
        return ThreadPool(
            evaluator, trial_timeout=settings.trial_timeout, patience=settings.patience, say=say
        )
    return RayPool(evaluator, settings, say)
