"""One local Ray for all tests of this package."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.data import load
from evaluators.images.image_set import ImageSet
from evaluators.pools.ray_session import read_token_again


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A Ray with room for a few workers; its processes find the packages and the fakes."""
    import ray

    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    )
    read_token_again()  # a cluster of the tests had one of its own
    ray.init(
        "local",
        num_cpus=4,
        num_gpus=0,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def digits() -> ImageSet:
    return load("digits")


def shared(name: str) -> Path:
    """A file of the shared data, or a skip that says what is missing."""
    root = Path(os.environ.get("NASCALE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
    path = root / "data" / name
    if not path.exists():
        pytest.skip(f"no {path} (set NASCALE_SHARED)")
    return path
