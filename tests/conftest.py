"""What tests of several packages share: the databases in which studies are kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.databases import Server, why_no_server

DATABASES = ("sqlite", "postgresql")
TOGETHER = ("evaluators/pools", "evaluators/export", "service/api", "service/web")
"""Folders whose files share what takes seconds to make (a Ray, an export, a service, a browser): one process runs all."""
LONG = (
    "evaluators/pools",
    "service/api",
    "evaluators/export",
    "nascale/test_main_job.py",
    "test_fuzz.py",
    "evaluators/test_pruned_search.py",
    "nascale/test_scale.py",
    "service/web",
    "space/test_cost.py",
    "search/test_trial_store.py",
    "search/samplers/test_samplers.py",
    "nascale/test_train.py",
    "test_packages.py",
    "evaluators/test_training.py",
    "nascale/test_proxy_check.py",
    "nascale/test_verify.py",
    "nascale/test_full_node.py",
    "search/test_patience.py",
    "evaluators/supernet/test_evaluator.py",
    "nascale/test_study_commands.py",
    "nascale/test_malformed.py",
    "nascale/auto_run/test_stages.py",
)
"""What takes long, the longest first: of two processes, the one that began such a file last would work alone."""
TESTS = Path(__file__).parent

# Half of the usual examples, new ones in every run; a busy machine is no failure.
settings.register_profile("nascale", max_examples=50, deadline=None)
settings.load_profile("nascale")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files before all others."""
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    assert all(path.exists() for path in places)

    def place(item: pytest.Item) -> int:
        return min(
            (places[path] for path in (item.path, *item.path.parents) if path in places), default=len(LONG)
        )

    items.sort(key=place)


class ByFile(LoadFileScheduling):
    """Gives a process whole files, and whole folders of those in ``TOGETHER``."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((folder for folder in TOGETHER if file.startswith(f"tests/{folder}/")), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def migrations_are_read_once() -> Iterator[None]:
    """Optuna's migrations, which nobody changes, are loaded once, not whenever a database is opened: it takes 0.2 s."""
    from alembic.script import ScriptDirectory

    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def once(config: Any) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in known:
            known[place] = read(config)
        return known[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", once)
        yield


@pytest.fixture(autouse=True)
def own_signal_handlers() -> Iterator[None]:
    """What a command does on Ctrl-C and SIGTERM ends with its test.

    Left in place, it would turn the SIGTERM that is to end the whole run into the failure of whichever test runs.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def started_server() -> Iterator[Server]:
    """A PostgreSQL server for the whole run of the tests."""
    missing = why_no_server()
    if missing:
        pytest.skip(missing)
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def postgresql(started_server: Server) -> Iterator[tuple[Server, str]]:
    """The server, and the URL of a fresh database on it."""
    with started_server.database() as url:
        yield started_server, url


@contextmanager
def fresh_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of a fresh database: a SQLite file in ``folder`` that is not there yet, or an empty one on PostgreSQL."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.db'}"
        return
    server: Server = request.getfixturevalue("started_server")
    with server.database() as url:
        yield url


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of either kind, for one test.

    Whatever depends on the database asks for it, or for ``database_of_file``. On SQLite alone are tests

    * of the file: its path, its rights, its loss and damage, its locks (``results/test_storage_url.py``, and parts of
      ``results/test_studies.py``, ``search/test_trial_store.py``, ``search/test_patience.py``, ``nascale/test_lost_database.py``);
    * to which a database is a place where a study lies: of commands (``nascale``), trainings (``evaluators``), frames, plots
      and reports (``results``), pages (``service/web``), and processes of jobs (``service/jobs/test_supervisor.py`` and others).

    On PostgreSQL alone are those of a server that restarts, ends connections or holds them, of passwords, and of a cluster.
    """
    with fresh_database(request.param, request, tmp_path) as url:
        yield url


@pytest.fixture(scope="module", params=DATABASES)
def database_of_file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A fresh database of either kind, for the tests of a file."""
    with fresh_database(request.param, request, tmp_path_factory.mktemp("database")) as url:
        yield url
