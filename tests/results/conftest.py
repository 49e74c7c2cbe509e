"""Stored studies that the tests of this package read: made once, never written again."""

from __future__ import annotations

from pathlib import Path

import optuna
import pandas as pd
import pytest

from results import frame
from tests import factories

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite storage with the studies digits, other, empty, failed and reward."""
    path = tmp_path_factory.mktemp("studies") / "nascale.db"
    url = factories.sqlite_study(path, 60, seed=3)
    factories.sqlite_study(path, 40, seed=4, name="other")
    factories.sqlite_study(path, 0, name="empty")
    factories.sqlite_study(path, 5, name="failed", fates={1: "failed"})
    reward = ({"name": "reward", "direction": "maximize"},)
    factories.sqlite_study(path, 30, seed=5, name="reward", objectives=reward)
    return url


@pytest.fixture(scope="session")
def path(storage: str) -> Path:
    """The file behind ``storage``."""
    return Path(storage.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def trials(storage: str) -> pd.DataFrame:
    """The frame of the study digits. Tests copy before they change it."""
    return frame.trials("digits", storage)
