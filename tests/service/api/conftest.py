"""One service for all tests of the API: a process, on a database with two studies, one of which has a name made to harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

from service.api.context import Context
from service.serving import application
from service.settings import read_settings
from tests.factories import sqlite_study, study
from tests.service.api.serving import TOKEN, Serving, in_thread, serving

TRIALS = 230
"""More than a page holds."""
STRANGE = '<img src=x onerror=alert(1)>/../"&%2F'


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    place = tmp_path_factory.mktemp("served")
    _studies(place)
    limits = {"NASCALE_BODY_BYTES": "1MB", "NASCALE_UPLOAD_BYTES": "2MB", "NASCALE_PAUSE_SECONDS": "2"}
    with serving(place, "--storage", f"sqlite:///{place / 'store.db'}", **limits) as found:
        yield found


@pytest.fixture(scope="session")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A service that begins no job, in a thread: its queue is only looked at by tests."""
    place = tmp_path_factory.mktemp("idle")
    settings = read_settings(
        storage=_studies(place), folder=place / "nascale-service", queue=40, streams=20, token=TOKEN
    )
    with in_thread(application(Context.of(settings, TOKEN))) as url:
        yield Serving(url, place)


@pytest.fixture
def client(served: Serving) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def _studies(place: Path) -> str:
    """The URL of a database with two studies."""
    url = sqlite_study(place / "store.db", TRIALS)
    study(5, name=STRANGE, storage=url)._storage.remove_session()
    return url
