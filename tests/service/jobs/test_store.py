"""The store of jobs, by one contract on both databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from results.studies import summaries
from service.jobs.errors import KeyTaken, NoSuchJob, QueueFull, WrongState
from service.jobs.job import CancelMode, EventType, JobKind, JobState
from service.jobs.store import JobStore
from space.errors import InputError

SPEC = {"space": "toy", "data": "digits", "trials": 4}


def test_a_submitted_job_waits_and_is_read_back(store: JobStore) -> None:
    job, created = store.submit(JobKind.SEARCH, SPEC, study="one", cores=2)
    assert created
    assert store.get(job.id) == job
    assert (job.state, job.spec, job.study, job.cores) == (JobState.QUEUED, SPEC, "one", 2)
    assert job.created.tzinfo is not None
    assert [event.data["state"] for event in store.events(job.id).items] == ["queued"]
    assert summaries(store.database.url) == []  # the same database holds studies, none so far


def test_a_second_store_finds_the_jobs_of_the_first(store: JobStore, tmp_path: Path) -> None:
    job, _ = store.submit(JobKind.TRAIN, {})
    other = JobStore(store.database.url, tmp_path / "jobs")
    assert other.get(job.id) == job
    other.close()


def test_what_is_read_together_is_of_one_moment(store: JobStore) -> None:
    counted = text("SELECT COUNT(*) FROM nascale_job")
    with store.database.reading() as connection:
        assert connection.execute(counted).scalar_one() == 0
        store.submit(JobKind.SEARCH, SPEC)
        assert connection.execute(counted).scalar_one() == 0
    assert len(store.list()[0]) == 1


def test_twenty_clients_with_one_key_get_one_job(store: JobStore) -> None:
    barrier = threading.Barrier(20)
    found = []

    def post() -> None:
        barrier.wait()
        found.append(store.submit(JobKind.SEARCH, SPEC, "key"))

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job.id for job, _ in found}) == 1
    assert sorted(created for _, created in found) == [False] * 19 + [True]
    assert len(store.list()[0]) == 1


def test_a_key_that_was_used_for_another_request_names_what_differs(store: JobStore) -> None:
    store.submit(JobKind.SEARCH, SPEC, "key")
    with pytest.raises(KeyTaken) as caught:
        store.submit(JobKind.AUTO, {**SPEC, "trials": 5, "seed": None}, "key")
    assert caught.value.differing == ("kind", "spec.seed", "spec.trials")


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_no_or_too_many_letters_is_refused(store: JobStore, key: str) -> None:
    with pytest.raises(InputError, match="idempotency key"):
        store.submit(JobKind.SEARCH, SPEC, key)


def test_the_queue_has_a_limit_that_counts_the_waiting_only(store: JobStore) -> None:
    first, _ = store.submit(JobKind.SEARCH, SPEC, "first", most_waiting=2)
    store.submit(JobKind.SEARCH, SPEC, most_waiting=2)
    with pytest.raises(QueueFull):
        store.submit(JobKind.SEARCH, SPEC, most_waiting=2)
    assert store.submit(JobKind.SEARCH, SPEC, "first", most_waiting=2) == (first, False)
    store.request_cancel(first.id, CancelMode.STOP)
    assert store.waiting() == 1
    assert store.submit(JobKind.SEARCH, SPEC, most_waiting=2)[1]


def test_pages_hold_every_job_once_newest_first_whatever_is_submitted_or_deleted_between(
    store: JobStore,
) -> None:
    made = [store.submit(kind, {})[0].id for kind in (JobKind.SEARCH, JobKind.TRAIN) for _ in range(4)]
    page, following = store.list(limit=3)
    seen = [job.id for job in page]
    store.submit(JobKind.EXPORT, {})
    store.request_cancel(seen[-1], CancelMode.KILL)
    store.delete(seen[-1])
    while following is not None:
        page, following = store.list(limit=3, after=following)
        seen += [job.id for job in page]
    assert seen == made[::-1]
    assert [job.id for job in store.list(kind=JobKind.TRAIN)[0]] == [i for i in made[:3:-1] if i != seen[2]]
    assert len(store.list(state=JobState.QUEUED)[0]) == 8
    assert store.list(state=JobState.RUNNING) == ([], None)


@pytest.mark.parametrize(
    ("argument", "value"), [("limit", 0), ("limit", 201), ("after", "x"), ("after", "9" * 30)]
)
def test_a_page_that_cannot_be_is_refused(store: JobStore, argument: str, value: object) -> None:
    with pytest.raises(InputError, match=argument):
        store.list(**{argument: value})  # type: ignore[arg-type]


def test_a_waiting_job_is_cancelled_at_once_and_may_be_resumed(store: JobStore) -> None:
    job, _ = store.submit(JobKind.SEARCH, SPEC)
    cancelled = store.request_cancel(job.id, CancelMode.STOP)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.ended is not None
    with pytest.raises(WrongState, match="cancelled"):
        store.request_cancel(job.id, CancelMode.KILL)
    resumed = store.resume(job.id)
    assert (resumed.state, resumed.ended, resumed.wish) == (JobState.QUEUED, None, None)
    with pytest.raises(WrongState, match="queued"):
        store.resume(job.id)
    with pytest.raises(WrongState, match="queued"):
        store.delete(job.id)
    kinds = [event.type for event in store.events(job.id).items]
    assert kinds == [EventType.JOB, EventType.JOB, EventType.END, EventType.JOB]


def test_a_deleted_job_takes_its_events_files_and_key_with_it(store: JobStore) -> None:
    job, _ = store.submit(JobKind.SEARCH, SPEC, "key")
    store.log_path(job.id).parent.mkdir(parents=True)
    store.log_path(job.id).write_text("line\n")
    store.request_cancel(job.id, CancelMode.STOP)
    store.delete(job.id)
    assert not store.folder_of(job.id).exists()
    for call in (store.get, store.events, store.resume, store.delete):
        with pytest.raises(NoSuchJob):
            call(job.id)
    assert store.submit(JobKind.SEARCH, {}, "key")[1]


def test_events_are_numbered_without_gaps_whoever_writes_them(store: JobStore) -> None:
    job, _ = store.submit(JobKind.SEARCH, SPEC)
    threads = [
        threading.Thread(
            target=lambda: [store.append_event(job.id, EventType.LOG, {"text": "é"}) for _ in range(5)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.events(job.id, after=3, limit=10)
    assert [event.number for event in found.items] == list(range(4, 14))
    assert (found.gone, found.last) == (False, 21)
    assert found.items[0].data == {"text": "é"}
    assert store.events(job.id, after=21).items == ()
    assert not store.events(job.id, after=21).gone


def test_jobs_of_a_later_version_are_refused(store: JobStore, tmp_path: Path) -> None:
    from sqlalchemy import text

    with store.database.writing() as connection:
        connection.execute(text("INSERT INTO nascale_schema (version) VALUES (99)"))
    with pytest.raises(InputError, match="version 99"):
        JobStore(store.database.url, tmp_path)


def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PostgreSQL"):
        JobStore("mysql://user@localhost/jobs", tmp_path)
