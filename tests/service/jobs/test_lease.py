"""Which service answers for which job, by one contract on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from results.driver import LEASE_SECONDS, Driver
from service.jobs.job import ATTEMPTS, CancelMode, EventType, JobKind, JobState
from service.jobs.lease import Leases
from service.jobs.store import JobStore

ELSEWHERE = replace(Driver.this(), host="other", machine="another kernel", pid=1)


@pytest.fixture
def leases(store: JobStore) -> Leases:
    return Leases(store.database)


def submitted(store: JobStore, count: int = 1, cores: float = 1) -> list[str]:
    return [store.submit(JobKind.SEARCH, {}, cores=cores)[0].id for _ in range(count)]


def states(store: JobStore, job: str) -> list[str]:
    return [e.data["state"] for e in store.events(job).items if e.type is EventType.JOB]


def age(store: JobStore, seconds: float) -> None:
    """Has every lease be that old."""
    with store.database.writing() as connection:
        connection.execute(text("UPDATE nascale_job SET heartbeat = heartbeat - :age"), {"age": seconds})


def test_a_job_runs_from_the_queue_to_its_end(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    claimed = leases.claim(8, 8)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempt) == (job, JobState.STARTING, 1)
    assert claimed.started is not None
    assert claimed.heartbeat is not None
    assert leases.claim(8, 8) is None
    assert leases.runs(job)
    assert list(leases.held()) == [job]
    ended = leases.end(job, JobState.SUCCEEDED, None, 0)
    assert ended is not None
    assert ended.ended is not None
    assert leases.held() == {}
    assert states(store, job) == ["queued", "starting", "running", "succeeded"]
    assert store.events(job).items[-1].type is EventType.END
    assert not leases.runs(job)
    assert leases.end(job, JobState.FAILED, "late", 1) is None


def test_the_queue_is_first_come_first_served_within_the_cores(store: JobStore, leases: Leases) -> None:
    large, small = submitted(store, cores=16)[0], submitted(store, cores=1)[0]
    assert leases.claim(free_cores=3, most_cores=4) is None  # the small one does not overtake it
    first = leases.claim(free_cores=4, most_cores=4)
    assert first is not None
    assert first.id == large
    second = leases.claim(free_cores=1, most_cores=4)
    assert second is not None
    assert second.id == small


def test_many_services_never_take_the_same_job(store: JobStore) -> None:
    jobs = submitted(store, 12)
    taken: list[str] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        own = Leases(store.database)
        barrier.wait()
        while (job := own.claim(99, 99)) is not None or store.list(JobState.QUEUED)[0]:
            if job is not None:
                taken.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(jobs)


def test_what_is_asked_of_a_job_at_work_is_seen_by_its_service(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    leases.claim(8, 8)
    stopping = store.request_cancel(job, CancelMode.STOP)
    assert (stopping.state, stopping.wish) == (JobState.STOPPING, CancelMode.STOP)
    assert not leases.runs(job)  # it stays stopping
    held = leases.held()[job]
    assert held.job.wish is CancelMode.STOP
    assert held.wished is not None
    assert store.request_cancel(job, CancelMode.STOP) == held.job
    assert store.request_cancel(job, CancelMode.KILL).wish is CancelMode.KILL
    assert store.request_cancel(job, CancelMode.STOP).wish is CancelMode.KILL
    leases.end(job, JobState.CANCELLED, "killed", -9)
    assert states(store, job) == ["queued", "starting", "stopping", "stopping", "cancelled"]
    assert store.resume(job).state is JobState.QUEUED
    again = leases.claim(8, 8)
    assert again is not None
    assert (again.attempt, again.wish, again.exit_code) == (2, None, None)


def test_an_interrupted_job_is_begun_three_times_at_most(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    for attempt in range(1, ATTEMPTS + 1):
        claimed = leases.claim(8, 8)
        assert claimed is not None
        assert claimed.attempt == attempt
        leases.interrupt(job, "its process was ended by SIGKILL", -9)
        assert store.get(job).state is JobState.INTERRUPTED
        assert leases.requeue() == 1
    failed = store.get(job)
    assert failed.state is JobState.FAILED
    assert failed.why == "interrupted 3 times in a row, the last time: its process was ended by SIGKILL"
    assert leases.requeue() == 0


def test_what_the_service_itself_stopped_does_not_count_as_an_attempt(
    store: JobStore, leases: Leases
) -> None:
    (job,) = submitted(store)
    for _ in range(ATTEMPTS + 1):
        leases.claim(8, 8)
        leases.interrupt(job, "the service was stopped", 143, counts=False)
        leases.requeue()
    assert store.get(job).state is JobState.QUEUED


def test_a_job_that_got_further_may_be_interrupted_as_often_again(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    for _ in range(2 * ATTEMPTS):
        leases.claim(8, 8)
        leases.record(job, [], {"done": 1}, "{}", moved=True)
        leases.interrupt(job, "killed")
        leases.requeue()
    assert (store.get(job).state, store.get(job).attempt) == (JobState.QUEUED, 2 * ATTEMPTS)


def test_a_lease_that_runs_out_is_taken_over_once_and_its_holder_writes_no_more(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No lease runs out while the server is down, so none is older than the server.
    times = store.database.times
    monkeypatch.setattr(store.database, "times", lambda connection: (times(connection)[0], 0.0))
    (job,) = submitted(store)
    first, second, third = Leases(store.database, ELSEWHERE), Leases(store.database), Leases(store.database)
    first.claim(8, 8)
    first.runs(job)
    assert second.lost() == []
    age(store, LEASE_SECONDS - 5)
    assert second.lost() == []
    first.beat()
    age(store, LEASE_SECONDS + 1)
    (lost,) = second.lost()
    assert (lost.job.id, lost.here) == (job, False)
    assert second.take_over(lost)
    assert not third.take_over(lost)
    assert third.lost() == []
    assert first.held() == {}
    assert first.end(job, JobState.FAILED, "late", 1) is None
    assert not first.record(job, [(EventType.LOG, {})], {}, "{}")
    assert list(second.held()) == [job]


def test_a_service_that_ended_here_is_gone_at_once(store: JobStore) -> None:
    submitted(store)
    gone = Leases(store.database, replace(Driver.this(), began="0"))
    gone.claim(8, 8)
    (lost,) = Leases(store.database).lost()
    assert lost.here


def test_leases_that_are_left_are_taken_up(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    leases.claim(8, 8)
    leases.leave()
    other = Leases(store.database)
    (lost,) = other.lost()
    assert lost.here
    assert leases.owned_here(job) == 1
    assert other.take_over(lost)
    assert not leases.take_over(lost)


def test_what_was_seen_is_stored_with_its_events_and_progress(store: JobStore, leases: Leases) -> None:
    (job,) = submitted(store)
    leases.claim(8, 8)
    before = store.events(job).last
    assert leases.seen(job) is None
    assert leases.record(job, [(EventType.TRIAL, {"number": 0})] * 2, {"done": 2}, '{"below": 2}')
    assert leases.seen(job) == '{"below": 2}'
    assert store.get(job).progress == {"done": 2}
    assert [event.number for event in store.events(job, before).items] == [before + 1, before + 2]
