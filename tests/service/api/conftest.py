"""One service for all tests of the API: a process, on a database with two studies, one of which has a name made to harm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

from service.api.context import Context
from service.serving import application
from service.settings import read_settings
from tests.conftest import DATABASES, fresh_database
from tests.factories import stored_study
from tests.service.api.serving import TOKEN, Serving, in_thread, serving

TRIALS = 230
"""More than a page holds."""
STRANGE = '<img src=x onerror=alert(1)>/../"&%2F'


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    place = tmp_path_factory.mktemp("served")
    _studies(f"sqlite:///{place / 'store.db'}")
    limits = {"NASCALE_BODY_BYTES": "1MB", "NASCALE_UPLOAD_BYTES": "2MB", "NASCALE_PAUSE_SECONDS": "2"}
    with serving(place, "--storage", f"sqlite:///{place / 'store.db'}", **limits) as found:
        yield found


@pytest.fixture(scope="session")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A service that begins no job, in a thread: its queue is only looked at by tests."""
    place = tmp_path_factory.mktemp("idle")
    with idle_service(place, f"sqlite:///{place / 'store.db'}") as found:
        yield found


@pytest.fixture(scope="session", params=DATABASES)
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Such a service on either database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("idle")
        return
    place = tmp_path_factory.mktemp("either")
    with fresh_database(request.param, request, place) as url, idle_service(place, url) as found:
        yield found


@contextmanager
def idle_service(place: Path, storage: str) -> Iterator[Serving]:
    """A service that begins no job, on a new database ``storage`` that gets two studies, with its files in ``place``."""
    _studies(storage)
    settings = read_settings(
        storage=storage, folder=place / "nascale-service", queue=40, streams=20, token=TOKEN
    )
    with in_thread(application(Context.of(settings, TOKEN))) as url:
        yield Serving(url, place, storage=storage)


@pytest.fixture
def client(served: Serving) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def _studies(url: str) -> None:
    """Two studies in a new database."""
    stored_study(url, TRIALS)
    stored_study(url, 5, name=STRANGE)
