"""Stored studies that the tests of this package read: made once, never written again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pandas as pd
import pytest

from results import frame
from tests import factories
from tests.conftest import DATABASES
from tests.databases import Server

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite storage with the studies digits, other, empty, failed and reward."""
    return _filled(f"sqlite:///{tmp_path_factory.mktemp('studies') / 'nascale.db'}")


@pytest.fixture(scope="session", params=DATABASES)
def either(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same studies on either database: for what reads the tables themselves."""
    if request.param == "sqlite":
        yield request.getfixturevalue("storage")
        return
    server: Server = request.getfixturevalue("started_server")
    with server.database() as url:
        yield _filled(url)


def _filled(url: str) -> str:
    factories.stored_study(url, 60, seed=3)
    factories.stored_study(url, 40, seed=4, name="other")
    factories.stored_study(url, 0, name="empty")
    factories.stored_study(url, 5, name="failed", fates={1: "failed"})
    reward = ({"name": "reward", "direction": "maximize"},)
    return factories.stored_study(url, 30, seed=5, name="reward", objectives=reward)


@pytest.fixture(scope="session")
def path(storage: str) -> Path:
    """The file behind ``storage``."""
    return Path(storage.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def trials(storage: str) -> pd.DataFrame:
    """The frame of the study digits. Tests copy before they change it."""
    return frame.trials("digits", storage)
