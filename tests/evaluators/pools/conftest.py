"""A pool of Ray for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from tests.evaluators.fakes import Fake


@pytest.fixture(scope="module")
def ray_pool(ray_session: None) -> Iterator[RayPool]:
    """One worker."""
    with RayPool(Fake(), PoolSettings(workers=1)) as pool:
        yield pool
