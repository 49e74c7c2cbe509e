"""One contract for both pools: everything submitted ends, and whatever befalls a worker is an event."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluators.evaluator import Candidate, Failure
from evaluators.ray_pool import RayPool, _cause_of_death, _check_address
from evaluators.workers import Event, Pool, open_pool
from space.errors import InputError, RunError
from tests.evaluators.fakes import Fake, Unpicklable

ROOT = Path(__file__).resolve().parents[2]


def candidate(number: int, do: str = "work", **decisions: Any) -> Candidate:
    return Candidate(number, {"do": do, **decisions}, f"key{number}", None, 0)


@pytest.fixture(scope="module")
def ray_pool(ray_session: None) -> Iterator[Pool]:
    with open_pool(Fake(), workers=1) as pool:
        yield pool


@pytest.fixture(params=["process", "ray"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool of either kind, with one slot."""
    if request.param == "ray":
        yield request.getfixturevalue("ray_pool")
    else:
        with open_pool(Fake(), workers=0) as made:
            yield made


def drain(pool: Pool, candidates: list[Candidate], seconds: float = 60.0) -> dict[int, list[Event]]:
    """Runs all candidates; the events of each, in order."""
    events: dict[int, list[Event]] = defaultdict(list)
    waiting = list(candidates)
    deadline = time.monotonic() + seconds
    while (waiting or pool.free < pool.slots) and time.monotonic() < deadline:
        while waiting and pool.free:
            pool.submit(waiting.pop(0))
        for event in pool.poll(1.0):
            events[event.number].append(event)
    assert not waiting and pool.free == pool.slots
    return events


def test_every_trial_reports_its_epochs_in_order_and_ends_once(pool: Pool) -> None:
    events = drain(pool, [candidate(n, epochs=3) for n in range(7)])
    assert sorted(events) == list(range(7))
    for number, seen in events.items():
        assert [e.measurement.epoch for e in seen if e.measurement] == [1, 2, 3]
        assert [e.measurement.accuracy for e in seen if e.measurement][-1] == number + 0.03
        assert [e.done for e in seen] == [False] * 3 + [True]
        assert all(e.worker for e in seen)


def test_epochs_arrive_while_the_trial_goes_on(pool: Pool) -> None:
    pool.submit(candidate(0, epochs=3, pause=0.2))
    first = pool.poll(20.0)
    assert [e.measurement.epoch for e in first if e.measurement] == [1]
    assert pool.free == pool.slots - 1
    assert drain(pool, [])[0][-1].done


def test_a_failing_candidate_is_a_value_and_the_next_one_runs(pool: Pool) -> None:
    kinds = {0: "raise", 1: "diverge", 2: "exit", 3: "hog", 4: "work"}
    events = drain(pool, [candidate(n, do) for n, do in kinds.items()])
    failures = {n: e[-1].failure for n, e in events.items()}
    assert failures[0] == Failure("failed", "ValueError: an odd layer")
    assert failures[1] == Failure("nan", "the training loss became nan in epoch 1")
    assert failures[2] == Failure("failed", "SystemExit: 3")
    assert failures[3] is not None and failures[3].kind == "oom"
    assert failures[4] is None and events[4][-1].done


def test_a_cancelled_trial_frees_its_slot_at_once_and_is_silent(pool: Pool) -> None:
    pool.submit(candidate(0, epochs=1000, pause=0.02))
    assert [e.number for e in pool.poll(20.0)] == [0]
    pool.cancel(0)
    assert pool.free == pool.slots
    assert list(drain(pool, [candidate(9)])) == [9]


def test_trials_cancelled_one_after_the_other_leave_the_worker_in_order(pool: Pool) -> None:
    """Most cancellations come while the trial is between two measurements, some at its very end."""
    for number in range(60):
        pool.submit(candidate(number, epochs=1 + number % 4, pause=0.001 * (number % 7)))
        if number % 3:
            pool.poll(20.0)
        pool.cancel(number)
        assert pool.free == pool.slots
    assert drain(pool, [candidate(100)])[100][-1].done


@pytest.mark.parametrize("workers", [0, 1])
def test_a_spinning_trial_times_out(workers: int, ray_session: None) -> None:
    with open_pool(Fake(), workers=workers, trial_timeout=1.5) as pool:
        events = drain(pool, [candidate(0, "spin"), candidate(1)])
    assert events[0][-1].failure == Failure("timeout", "not finished after 1.5 s (--trial-timeout)")
    assert events[1][-1].done


def test_a_full_pool_refuses_and_an_idle_one_returns_at_once(pool: Pool) -> None:
    assert pool.poll(None) == []
    pool.submit(candidate(0, pause=0.05))
    with pytest.raises(RunError, match="no slot is free"):
        pool.submit(candidate(9))
    assert drain(pool, [])[0][-1].done


def test_a_killed_worker_is_replaced_and_its_trial_begun_again(ray_session: None, tmp_path: Path) -> None:
    with open_pool(Fake(str(tmp_path)), workers=1, retries=1) as pool:
        events = drain(pool, [candidate(0, "die_once"), candidate(1), candidate(2)])
    restarts = [e.restarted for e in events[0] if e.restarted]
    assert len(restarts) == 1 and "died" in restarts[0]
    after = events[0][[bool(e.restarted) for e in events[0]].index(True) + 1 :]
    assert [e.measurement.epoch for e in after if e.measurement] == [1, 2]
    assert all(events[n][-1].done for n in range(3))


def test_a_worker_killed_from_outside_is_noticed(ray_session: None) -> None:
    with open_pool(Fake(), workers=1, retries=0) as pool:
        pool.submit(candidate(0, epochs=100, pause=0.05))
        first = pool.poll(30.0)
        os.kill(int(first[0].worker.rsplit(":", 1)[1]), signal.SIGKILL)
        events = drain(pool, [])
    assert events[0][-1].failure is not None
    assert events[0][-1].failure.kind == "died"


def test_a_trial_that_kills_its_worker_every_time_fails_with_the_reason(ray_session: None) -> None:
    with open_pool(Fake(), workers=1, retries=1) as pool:
        events = drain(pool, [candidate(0, "die"), candidate(1)])
    failure = events[0][-1].failure
    assert failure is not None and failure.kind == "died" and "2 attempts" in failure.reason
    assert events[1][-1].done


def test_a_hanging_actor_is_replaced(ray_session: None) -> None:
    with open_pool(Fake(), workers=1, trial_timeout=3.0) as pool:
        events = drain(pool, [candidate(0, "hang"), candidate(1)])
    assert events[0][-1].failure is not None and events[0][-1].failure.kind == "timeout"
    assert events[1][-1].done


def test_memory_beyond_the_worker_s_share_is_an_error_not_a_kill(ray_session: None) -> None:
    with open_pool(Fake(), workers=1, memory_bytes=2**29) as pool:
        events = drain(pool, [candidate(0, "grow"), candidate(1)])
    assert events[0][-1].failure is not None and events[0][-1].failure.kind == "oom"
    assert not any(e.restarted for e in events[0])
    assert events[1][-1].done and events[1][-1].worker == events[0][-1].worker


def test_a_result_that_cannot_travel_fails_its_trial_alone(ray_session: None) -> None:
    with open_pool(Unpicklable(), workers=1) as pool:
        events = drain(pool, [candidate(0), candidate(1)])
    assert [e[-1].failure is not None and e[-1].failure.kind for e in events.values()] == ["failed"] * 2


def test_the_driver_keeps_nothing_of_finished_trials(ray_pool: Pool) -> None:
    assert isinstance(ray_pool, RayPool)
    drain(ray_pool, [candidate(n) for n in range(30)])
    assert [(w.task, w.run, w.heard) for w in ray_pool._workers] == [(None, None, None)]


def test_two_workers_share_the_work(ray_session: None) -> None:
    with open_pool(Fake(), workers=2, cpus_per_trial=0.5) as pool:
        events = drain(pool, [candidate(n, pause=0.2) for n in range(6)])
    assert len({e.worker for seen in events.values() for e in seen}) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": -1},
        {"workers": 2, "cpus_per_trial": 0},
        {"workers": 2, "retries": -1},
        {"workers": 2, "trial_timeout": 0},
        {"workers": 2, "gpus_per_trial": -0.5},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=list(settings)[-1]):
        open_pool(Fake(), **settings)


def test_more_workers_than_the_cluster_holds_are_refused(ray_session: None) -> None:
    with pytest.raises(InputError, match="workers: wanted at most 4 CPUs"):
        open_pool(Fake(), workers=30)


def test_an_address_without_a_cluster_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"ray_address: wanted a running Ray cluster, got '127.0.0.1:1 "):
        _check_address("127.0.0.1:1")


def test_causes_of_death_are_told_apart() -> None:
    killed = _cause_of_death(RuntimeError("Worker exit detail: ... connection error code 2. End of file."))
    starved = _cause_of_death(RuntimeError("Task was killed due to the node running low on memory."))
    assert (killed[0], starved[0]) == ("died", "oom")
    assert _cause_of_death(RuntimeError("something\nnew")) == ("died", "died: something new")


def test_the_packages_reach_the_workers_from_another_directory_and_ctrl_c_ends_cleanly(
    tmp_path: Path,
) -> None:
    """A driver elsewhere, beside namesakes of the packages, starts its own Ray and is interrupted."""
    (tmp_path / "results").mkdir()
    (tmp_path / "search.py").write_text("raise RuntimeError('the wrong search')\n")
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from evaluators.images.loading import load
            from evaluators.evaluator import Candidate
            from evaluators.training import TrainEvaluator
            from evaluators.workers import open_pool
            from space.architecture import Architecture
            from space.blocks import Conv, Dense, GlobalPool

            net = Architecture((Conv(8),), (), (GlobalPool(), Dense()), 8, 10, 1)
            try:
                with open_pool(TrainEvaluator(load("digits"), epochs=100000, batch_size=32), workers=1) as pool:
                    pool.submit(Candidate(0, {}, net.key, net, 0))
                    while True:
                        for event in pool.poll(5.0):
                            print(event.worker, event.measurement, event.failure, flush=True)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                sys.exit(130)
            """
        )
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PYTHONPATH"] = str(ROOT)
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs tests in the background has them ignore Ctrl-C, and so their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert driver.stdout is not None and driver.stderr is not None
    first = driver.stdout.readline()
    os.killpg(driver.pid, signal.SIGINT)
    out, err = driver.communicate(timeout=60)
    assert "Measurement(epoch=1" in first, err
    assert driver.returncode == 130, err
    assert out.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert " None Failure" not in out and "restarted" not in out
