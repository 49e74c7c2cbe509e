"""What the pool of Ray actors adds: processes that die, are killed or run out of memory, and their replacement."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from results.trial_result import Status
from tests.evaluators.fakes import Fake, Unpicklable
from tests.evaluators.pools.driving import candidate, drain
from tests.processes import environment


def test_a_killed_worker_is_replaced_and_its_trial_begun_again(ray_session: None, tmp_path: Path) -> None:
    with RayPool(Fake(str(tmp_path)), PoolSettings(workers=1, retries=1)) as pool:
        events = drain(pool, [candidate(0, "die_once"), candidate(1), candidate(2)])
    restarts = [e.restarted for e in events[0] if e.restarted]
    assert len(restarts) == 1 and "died" in restarts[0]
    after = events[0][[bool(e.restarted) for e in events[0]].index(True) + 1 :]
    assert [e.measurement.epoch for e in after if e.measurement] == [1, 2]
    assert all(events[n][-1].done for n in range(3))


def test_a_worker_killed_from_outside_is_noticed(ray_session: None) -> None:
    with RayPool(Fake(), PoolSettings(workers=1, retries=0)) as pool:
        pool.submit(candidate(0, epochs=100, pause=0.05))
        first = pool.poll(30.0)
        os.kill(int(first[0].worker.rsplit(":", 1)[1]), signal.SIGKILL)
        events = drain(pool, [])
    assert events[0][-1].failure is not None
    assert events[0][-1].failure.status is Status.DIED


def test_a_trial_that_kills_its_worker_every_time_fails_with_the_reason(ray_session: None) -> None:
    with RayPool(Fake(), PoolSettings(workers=1, retries=1)) as pool:
        events = drain(pool, [candidate(0, "die"), candidate(1)])
    failure = events[0][-1].failure
    assert failure is not None and failure.status is Status.DIED and "2 attempts" in failure.reason
    assert events[1][-1].done


def test_a_hanging_actor_is_replaced(ray_session: None) -> None:
    with RayPool(Fake(), PoolSettings(workers=1, trial_timeout=1.5)) as pool:
        events = drain(pool, [candidate(0, "hang"), candidate(1)])
    assert events[0][-1].failure is not None and events[0][-1].failure.status is Status.TIMEOUT
    assert events[1][-1].done


def test_memory_beyond_the_worker_s_share_is_an_error_not_a_kill(ray_session: None) -> None:
    with RayPool(Fake(), PoolSettings(workers=1, memory_bytes=2**29)) as pool:
        events = drain(pool, [candidate(0, "grow"), candidate(1)])
    assert events[0][-1].failure is not None and events[0][-1].failure.status is Status.OOM
    assert not any(e.restarted for e in events[0])
    assert events[1][-1].done and events[1][-1].worker == events[0][-1].worker


def test_a_result_that_cannot_travel_fails_its_trial_alone(ray_session: None) -> None:
    with RayPool(Unpicklable(), PoolSettings(workers=1)) as pool:
        events = drain(pool, [candidate(0), candidate(1)])
    assert [e[-1].failure is not None and e[-1].failure.status for e in events.values()] == [
        Status.FAILED
    ] * 2


def test_the_driver_keeps_nothing_of_finished_trials(ray_pool: RayPool) -> None:
    drain(ray_pool, [candidate(n) for n in range(30)])
    assert [(w.task, w.run, w.heard) for w in ray_pool._workers] == [(None, None, None)]


def test_two_workers_share_the_work(ray_session: None) -> None:
    with RayPool(Fake(), PoolSettings(workers=2, cpus_per_trial=0.5)) as pool:
        events = drain(pool, [candidate(n, pause=0.2) for n in range(6)])
    assert len({e.worker for seen in events.values() for e in seen}) == 2


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
            from evaluators.data import load
            from evaluators.evaluator import Candidate
            from evaluators.pools.opening import open_pool
            from evaluators.pools.protocol import PoolSettings
            from evaluators.recipe import Recipe
            from evaluators.training import TrainEvaluator
            from space.architecture import Architecture
            from space.blocks import Conv, Dense, GlobalPool

            net = Architecture((Conv(8),), (), (GlobalPool(), Dense()), 8, 10, 1)
            try:
                evaluator = TrainEvaluator(load("digits"), Recipe(epochs=100000, batch_size=32))
                with open_pool(evaluator, PoolSettings(workers=1)) as pool:
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
    driver = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment(),
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
