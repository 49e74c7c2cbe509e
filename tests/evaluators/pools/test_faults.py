"""A network's fault, a worker's and the machine's are told apart, and only the first becomes a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ray import exceptions

from evaluators.evaluator import Failure
from evaluators.pools.faults import Blame, Endurance, Fault, blamed, cause_of_loss
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from results.trial_result import Status
from space.errors import RunError
from tests.evaluators.fakes import Faulty, Unloadable
from tests.evaluators.pools.driving import candidate, drain

WORKERS = [0, 1]
PRESSURE = (
    "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 10.0.0.1, ID: ab) was 27.86GB "
    "used / 28.80GB limit (0.967)\nOOM kill reason: Memory usage 1B exceeded threshold of 1B\nSelected to kill: (Actor(cd): "
    "job ID=01, task name=RayWorker.__init__, pid=7, actual memory used={used}, worker ID=ef)"
)
"""What Ray 2.60 says."""
OLD_PRESSURE = (
    "Task was killed due to the node running low on memory. Memory on the node (IP: 10.0.0.1, ID: ab) where the task "
    "(actor ID: cd, name=RayWorker.__init__, pid=7, memory used=15.00GB) was running was 27.86GB / 28.80GB (0.967), which "
    "exceeds the memory usage threshold of 0.95."
)
"""What earlier ones say."""


@pytest.mark.parametrize(
    ("error", "limit", "wanted"),
    [
        (exceptions.OutOfMemoryError(PRESSURE.format(used="0.40GB")), 2**33, Blame.MACHINE),
        (exceptions.OutOfMemoryError(PRESSURE.format(used="20.00GB")), None, Status.OOM),
        (exceptions.OutOfMemoryError(PRESSURE.format(used="9.00GB")), None, Blame.MACHINE),
        (exceptions.OutOfMemoryError(PRESSURE.format(used="9.00GB")), 2**33, Status.OOM),
        (exceptions.OutOfMemoryError(OLD_PRESSURE), None, Status.OOM),
        (exceptions.OutOfMemoryError("killed"), None, Blame.MACHINE),
        (exceptions.NodeDiedError("the node is gone"), None, Blame.MACHINE),
        (exceptions.ObjectLostError("ab" * 14, None, "here"), None, Blame.MACHINE),
        (
            exceptions.RayActorError(error_msg="The actor died because its node has died."),
            None,
            Blame.MACHINE,
        ),
        (
            exceptions.RayActorError(error_msg="Worker exit detail: connection error code 2."),
            None,
            Status.DIED,
        ),
        (ValueError("cannot be pickled"), None, Status.FAILED),
    ],
)
def test_what_ray_says_of_a_loss_tells_whose_fault_it_is(
    error: Exception, limit: int | None, wanted: Blame | Status
) -> None:
    cause = cause_of_loss(error, limit)
    assert (cause.blame if isinstance(cause, Fault) else cause.status) is wanted


def test_a_worker_that_never_came_up_is_at_fault_itself() -> None:
    said = "The actor died because of an error raised in its creation task: No module named 'torch'"
    cause = cause_of_loss(exceptions.RayActorError(error_msg=said, actor_init_failed=True), None)
    assert isinstance(cause, Fault) and cause.blame is Blame.WORKER
    assert "did not start" in cause.reason and "No module named 'torch'" in cause.reason


def test_pauses_grow_until_patience_ends_and_start_anew_after_a_trial_that_ended() -> None:
    said: list[str] = []
    endurance = Endurance(100.0, said.append)
    moments = (0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 61.0, 91.0)
    pauses = [endurance.fault(moment, moment, 5, "w", "has no room") for moment in moments]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    endurance.ended()
    assert endurance.fault(95.0, 95.0, 5, "w", "has no room") == 1
    assert endurance.fault(190.0, 190.0, 5, "w", "has no room") == 2
    with pytest.raises(RunError, match=r"within 100 s \(--patience\).*trial 5: w has no room"):
        endurance.fault(196.0, 196.0, 5, "w", "has no room")
    assert len(said) == 10 and "not held against the network" in said[0]


def test_a_trial_that_went_well_for_longer_than_patience_has_all_of_it_again() -> None:
    endurance = Endurance(10.0, lambda text: None)
    assert [endurance.fault(100.0 * n, 100.0 * n - 50, 0, "w", "was lost") for n in range(5)] == [1] * 5


@pytest.mark.parametrize("workers", WORKERS)
def test_a_machine_without_room_is_waited_for(workers: int, ray_session: None, tmp_path: Path) -> None:
    said: list[str] = []
    full = tmp_path / "full"
    full.touch()
    with open_pool(Faulty(str(tmp_path)), PoolSettings(workers=workers, retries=0), said.append) as pool:
        pool.submit(candidate(0))
        seen = [pool.poll(60.0)]
        assert pool.free == 0 and pool.slots == 1  # the slot rests
        full.unlink()
        while not seen[-1] or not seen[-1][-1].done:
            seen.append(pool.poll(60.0))
    events = [event for some in seen for event in some]
    assert "7 MiB are free now" in events[0].restarted and not any(event.failure for event in events)
    assert [e.measurement.epoch for e in events if e.measurement] == [1, 2]
    assert "tried again in 1 s" in said[0]


@pytest.mark.parametrize("workers", WORKERS)
def test_patience_with_a_machine_ends(workers: int, ray_session: None, tmp_path: Path) -> None:
    (tmp_path / "full").touch()
    with open_pool(Faulty(str(tmp_path)), PoolSettings(workers=workers, patience=0.5)) as pool:
        pool.submit(candidate(0))
        with pytest.raises(RunError, match=r"within 0.5 s \(--patience\).*7 MiB are free now"):
            _until_idle(pool.poll)


@pytest.mark.parametrize("workers", WORKERS)
def test_workers_that_measure_no_network_are_closed_and_nothing_is_a_result(
    workers: int, ray_session: None, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    events = []
    with open_pool(Faulty(str(tmp_path)), PoolSettings(workers=workers)) as pool:
        pool.submit(candidate(0))
        with pytest.raises(RunError, match=r"workers: none is left: .*no network at all.*no images here"):
            _until_idle(lambda seconds: events.extend(found := pool.poll(seconds)) or found)
    assert events and not any(event.failure or event.done for event in events)


@pytest.mark.parametrize("kills", [False, True])
def test_workers_that_never_come_up_are_closed(
    kills: bool, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.pools.ray.FEW", 1)
    with open_pool(Unloadable(kills=kills), PoolSettings(workers=1, retries=0)) as pool:
        pool.submit(candidate(0))
        with pytest.raises(RunError, match="none is left: worker 0 did not start: ") as raised:
            _until_idle(pool.poll)
    assert kills or "no package of that name" in str(raised.value)


def test_a_trial_that_breaks_its_process_has_died(tmp_path: Path) -> None:
    """The process had measured something before, and measures nothing any more."""
    evaluator = Faulty(str(tmp_path))
    assert blamed(ValueError("odd"), evaluator, True) == Failure(Status.FAILED, "ValueError: odd")
    (tmp_path / "broken").touch()
    failure = blamed(ValueError("odd"), evaluator, True)
    assert isinstance(failure, Failure) and failure.status is Status.DIED
    fault = blamed(ValueError("odd"), evaluator, False)
    assert isinstance(fault, Fault) and "no images here" in fault.reason
    assert blamed(MemoryError("own"), evaluator, False) == Failure(Status.OOM, "own")


@pytest.mark.parametrize("workers", WORKERS)
def test_a_network_that_fails_where_others_work_has_failed(
    workers: int, ray_session: None, tmp_path: Path
) -> None:
    (tmp_path / "odd").touch()
    with open_pool(Faulty(str(tmp_path)), PoolSettings(workers=workers)) as pool:
        events = drain(pool, [candidate(0), candidate(1)])
    assert [e.failure for e in events[0]] == [Failure(Status.FAILED, "ValueError: no such layer")]
    assert events[1][-1].done


def test_what_a_closed_worker_could_not_do_goes_elsewhere(ray_session: None, tmp_path: Path) -> None:
    """Two workers, of which one finds no images until the other one has measured something."""
    said: list[str] = []
    broken = tmp_path / "broken"
    settings = PoolSettings(workers=2, cpus_per_trial=0.5)
    with open_pool(Faulty(str(tmp_path)), settings, said.append) as pool:
        pool.submit(candidate(0, epochs=200, pause=0.05))
        pool.poll(60.0)
        broken.touch()
        pool.submit(candidate(1))
        deadline = time.monotonic() + 60
        while pool.slots == 2 and time.monotonic() < deadline:
            pool.poll(1.0)
        broken.unlink()
        pool.cancel(0)
        assert pool.slots == 1 and "gets no more; 1 workers are left" in said[-1]
        events = drain(pool, [])
    assert events[1][-1].done and not any(event.failure for event in events[1])


def _until_idle(poll: Callable[[float], object]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        poll(10.0)
