"""Opens the pool that suits an evaluator and the settings."""

from __future__ import annotations

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


def open_pool(evaluator: Evaluator, settings: PoolSettings) -> Pool:
    """The pool: inline if the evaluator answers at once, a thread without workers, Ray otherwise.

    Raises InputError if the cluster is not there, or cannot hold that many workers.
    """
    if evaluator.instant:
        return InlinePool(evaluator)
    if settings.workers == 0:
        return ThreadPool(evaluator, trial_timeout=settings.trial_timeout)
    return RayPool(evaluator, settings)
