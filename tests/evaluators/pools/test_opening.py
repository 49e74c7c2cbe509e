"""Which pool is opened for which evaluator and settings."""

from __future__ import annotations

from evaluators.pools.inline import InlinePool
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from evaluators.pools.thread import ThreadPool
from tests.evaluators.fakes import Fake, Instant


def test_the_evaluator_and_the_number_of_workers_choose_the_pool(ray_session: None) -> None:
    for evaluator, workers, kind in (
        (Instant(), 2, InlinePool),
        (Fake(), 0, ThreadPool),
        (Fake(), 2, RayPool),
    ):
        with open_pool(evaluator, PoolSettings(workers=workers, cpus_per_trial=0.5)) as pool:
            assert isinstance(pool, kind)
            assert pool.slots == (2 if kind is RayPool else 1)
