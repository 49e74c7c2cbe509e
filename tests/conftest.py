"""What tests of several packages share: the databases in which studies are kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
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
    "nascale/auto/test_stages.py",
)
"""What takes long, the longest first: of two processes, the one that began such a file last would work alone."""
TESTS = Path(__file__).parent


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
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    opened: list[Any] = []

    def note(connection: Any, record: Any) -> None:
        opened.append(connection)

    url = started_server.create()
    event.listen(Pool, "connect", note)
    try:
        yield started_server, url
    finally:
        event.remove(Pool, "connect", note)
        # Optuna's own storages never close theirs.
        for connection in opened:
            connection.close()
        started_server.drop(url)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database: a SQLite file in ``tmp_path`` that is not there yet, or an empty one on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    _, url = request.getfixturevalue("postgresql")
    return str(url)
