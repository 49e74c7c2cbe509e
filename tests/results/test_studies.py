"""Reading stored studies, and every way in which a storage can be wrong."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import optuna
import pytest

from results import database as databases
from results import storage_url, stored_trials, studies
from results.database import reading, refusal
from space.architecture import Architecture
from space.errors import InputError, UnknownNameError
from tests import factories
from tests.databases import execute
from tests.processes import python


def names(storage: str | Path | None = None) -> list[str]:
    return [row["study"] for row in studies.summaries(storage)]


def test_names_and_summaries(either: str) -> None:
    assert names(either) == ["digits", "other", "empty", "failed", "reward"]
    rows = {row["study"]: row for row in studies.summaries(either)}
    opened = optuna.load_study(study_name="digits", storage=either)
    assert rows["digits"]["trials"] == rows["digits"]["finished"] == len(opened.trials) == 60
    assert rows["digits"]["accuracy"] == max(t.values[0] for t in opened.trials if t.values)
    assert rows["digits"]["objectives"] == "accuracy ↑, macs ↓"
    assert rows["empty"]["accuracy"] is None
    assert rows["failed"]["accuracy"] is None


def test_load_agrees_with_optuna(either: str) -> None:
    stored = studies.load("digits", either, architectures=True)
    opened = studies.of_optuna(optuna.load_study(study_name="digits", storage=either))
    assert stored.trials == opened.trials
    assert (stored.objectives, stored.attributes) == (opened.objectives, opened.attributes)
    bare = studies.load("digits", either)
    assert all(t.architecture is None for t in bare.trials)
    assert any(t.architecture is not None for t in stored.trials)


def test_both_databases_hold_the_same(either: str, storage: str) -> None:
    for name in names(storage):
        here, there = (studies.load(name, url, architectures=True) for url in (storage, either))
        assert (here.trials, here.attributes) == (there.trials, there.attributes)


def test_a_part_at_a_time_gives_the_same_trials(either: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = studies.load("digits", either, architectures=True)
    monkeypatch.setattr(stored_trials, "_AT_ONCE", 7)
    assert studies.load("digits", either, architectures=True) == whole


def test_values_that_are_not_finite_come_back(database: str) -> None:
    made = optuna.create_study(storage=database, study_name="a", directions=["maximize", "minimize"])
    made.tell(made.ask(), [float("inf"), float("-inf")])
    asked = made.ask()
    made._storage.set_trial_intermediate_value(asked._trial_id, 1, float("nan"))
    first, second = studies.load("a", database).trials
    assert first.values == (float("inf"), float("-inf"))
    assert [step for step, _ in second.curve] == [1] and second.curve[0][1] != second.curve[0][1]


def test_sqlalchemy_sees_one_moment_of_a_file_too(tmp_path: Path) -> None:
    url = factories.sqlite_study(tmp_path / "live.db", 3)
    execute(url, "PRAGMA journal_mode=WAL")
    with reading(url.replace("sqlite://", "sqlite+pysqlite://")) as query:
        execute(url, "UPDATE trials SET state = 'FAIL' WHERE number = 2")
        assert query("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'") == [(3,)]


def test_any_other_url_goes_through_sqlalchemy(storage: str) -> None:
    url = storage.replace("sqlite://", "sqlite+pysqlite://")
    assert storage_url.sqlite_path(url) is None
    assert studies.load("digits", url).trials == studies.load("digits", storage).trials
    with pytest.raises(InputError, match="storage: wanted"):
        names("nosuchdriver://host/base")


def test_unknown_names_offer_the_nearest(either: str) -> None:
    with pytest.raises(UnknownNameError, match=r"study: no such name 'digit' \(nearest: digits\)"):
        studies.load("digit", either)
    with pytest.raises(InputError, match="a number from 0 to 59"):
        studies.load("digits", either).trial(60)
    with pytest.raises(InputError, match="a study with trials"):
        studies.load("empty", either).trial(0)


def test_architecture_of_a_trial(either: str) -> None:
    found = studies.architecture("digits", 3, either)
    assert isinstance(found, Architecture)
    assert found.key == studies.load("digits", either).trial(3).key
    for number in (60, -1):
        with pytest.raises(InputError, match="a number from 0 to 59"):
            studies.architecture("digits", number, either)
    with pytest.raises(InputError, match="a study with trials"):
        studies.architecture("empty", 0, either)


def test_a_table_has_no_architectures(database: str) -> None:
    url = factories.stored_study(database, 2, architectures=False)
    with pytest.raises(InputError, match="a trial that holds an architecture"):
        studies.architecture("digits", 0, url)


def test_looking_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(storage_url.STORAGE_VARIABLE, raising=False)
    with pytest.raises(InputError, match=r"no such file.*sqlite:///nascale.db"):
        names()
    assert list(tmp_path.iterdir()) == []


def test_where_studies_are_kept(monkeypatch: pytest.MonkeyPatch, storage: str, path: Path) -> None:
    monkeypatch.setenv(storage_url.STORAGE_VARIABLE, storage)
    assert names() == names(path) == names(storage)
    monkeypatch.delenv(storage_url.STORAGE_VARIABLE)
    assert storage_url.storage_url() == storage_url.DEFAULT_STORAGE
    for nothing in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(InputError, match="outlives the process"):
            storage_url.storage_url(nothing)


def test_damaged_files_are_refused(tmp_path: Path, path: Path) -> None:
    wrong = {"empty": b"", "noise": bytes(range(256)) * 8, "half": path.read_bytes()[:9000]}
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"storage: wanted (an Optuna|a) database"):
            studies.load("digits", tmp_path / name)
    with pytest.raises(InputError, match="a directory"):
        names(tmp_path)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(InputError, match="holds no studies"):
        names(tmp_path / "other.db")


def test_another_schema_is_refused(database: str) -> None:
    url = factories.stored_study(database, 1)
    execute(url, "UPDATE version_info SET schema_version = 11")
    with pytest.raises(InputError, match="optuna storage upgrade"):
        names(url)


def test_a_locked_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.05)
    url = factories.sqlite_study(tmp_path / "busy.db", 1)
    writer = sqlite3.connect(tmp_path / "busy.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InputError, match="locked by another process"):
        names(url)
    writer.execute("ROLLBACK")
    writer.close()
    assert names(url) == ["digits"]


def test_reading_sees_one_moment_beside_a_writer(database: str) -> None:
    """Between two of its statements a trial ends elsewhere."""
    url = factories.stored_study(database, 3)
    if url.startswith("sqlite"):
        execute(url, "PRAGMA journal_mode=WAL")
    with reading(url) as query:
        assert query("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'") == [(3,)]
        execute(url, "UPDATE trials SET state = 'FAIL' WHERE number = 2")
        assert query("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'") == [(3,)]
    assert [trial.state for trial in studies.load("digits", url).trials] == ["COMPLETE", "COMPLETE", "FAIL"]


def test_looking_for_a_study_that_is_not_there_gives_up_no_lock_of_this_process(tmp_path: Path) -> None:
    """A process that closes a file gives up its locks on it, and what other processes then do damages a database in use."""
    path = tmp_path / "store.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    here = sqlite3.connect(path)
    here.execute("PRAGMA journal_mode=WAL")
    here.execute("SELECT * FROM studies").fetchall()
    here.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(UnknownNameError):
        studies.load("none", f"sqlite:///{path}")
    alone = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=DELETE').fetchone())"
    there = python("-c", alone, str(path))
    here.close()
    assert "locked" in there.stderr, there.stdout


def test_delete(database: str) -> None:
    url = factories.stored_study(database, 3)
    factories.stored_study(database, 2, name="kept")
    assert studies.delete("digits", url) == 3
    assert names(url) == ["kept"]
    with pytest.raises(UnknownNameError):
        studies.delete("digits", url)


def test_passwords_stay_out_of_messages() -> None:
    assert storage_url.redacted("postgresql://me:secret@host/base") == "postgresql://me:***@host/base"
    assert "secret" not in str(refusal("mysql://me:secret@host/base", "no route"))


def test_attributes_of_other_programs_are_ignored(database: str) -> None:
    """Names that we use too, with values of any kind."""
    url = database
    names = ("objectives", "spec", "space", "provenance", "result", "costs", "key", "architecture")
    for index, value in enumerate((["accuracy", "size"], "lr,l2", 0.5, {"a": 1}, None)):
        made = optuna.create_study(study_name=f"s{index}", storage=url, direction="maximize")
        for name in names:
            made.set_user_attr(name, value)
        trial = made.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        for name in names:
            trial.set_user_attr(name, value)
        made.tell(trial, 0.25)
    for summary in studies.summaries(url):
        assert (summary["finished"], summary["accuracy"], summary["objectives"]) == (1, None, "value ↑")
        found = studies.load(summary["study"], url, architectures=True)
        assert found.attributes == {} and found.trials[0].values == (0.25,)
        assert (found.trials[0].key, found.trials[0].costs, found.trials[0].architecture) == (None, {}, None)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_times_are_utc_in_every_zone(zone: str, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        before = datetime.now(UTC)
        made = optuna.create_study(study_name="t", storage=database)
        made.tell(made.ask(), 1.0)
        (trial,) = studies.load("t", database).trials
        assert trial.finished is not None and before <= trial.finished <= datetime.now(UTC)
        assert studies.of_optuna(made).trials[0].finished == trial.finished
        local = datetime.now().isoformat(" ")  # as Optuna 4 stored it
        execute(
            database,
            "UPDATE version_info SET library_version = '4.9.0'",
            f"UPDATE trials SET datetime_complete = '{local}'",
        )
        (trial,) = studies.load("t", database).trials
        assert trial.finished is not None and before <= trial.finished <= datetime.now(UTC)
    finally:
        monkeypatch.undo()
        time.tzset()
