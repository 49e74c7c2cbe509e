"""Connecting to Ray: what is refused, and how memory is shared."""

from __future__ import annotations

import pytest

from evaluators.pools import ray_cluster
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from space.errors import InputError
from tests.evaluators.fakes import Fake


def test_more_workers_than_the_cluster_holds_are_refused(ray_session: None) -> None:
    with pytest.raises(InputError, match="workers: wanted at most 4 CPUs"):
        RayPool(Fake(), PoolSettings(workers=30))


def test_workers_share_nine_tenths_of_this_machine_s_memory() -> None:
    one = ray_cluster.memory_of_worker(PoolSettings(workers=1))
    four = ray_cluster.memory_of_worker(PoolSettings(workers=4))
    assert one is not None and four is not None and one > 2**28 and abs(one - 4 * four) < 8
    assert ray_cluster.memory_of_worker(PoolSettings(workers=4, memory_bytes=7)) == 7
    assert ray_cluster.memory_of_worker(PoolSettings(workers=4, gpus_per_trial=0.5)) is None
    assert ray_cluster.memory_of_worker(PoolSettings(workers=4, ray_address="auto")) is None
