"""A worker that the kernel killed for want of memory, by counts that tell and by the kernel itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.evaluator import Failure
from evaluators.pools.faults import Blame, Fault
from evaluators.pools.kernel_kills import WITHIN_SECONDS, KernelKills
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from results.trial_result import Status
from tests.evaluators.fakes import Fake
from tests.evaluators.pools.driving import candidate, drain
from tests.processes import environment

DIED = Failure(Status.DIED, "died")
GROUP = Path("/sys/fs/cgroup/memory")
MIB = 2**20


class Counter:
    """The kernel's count, as the test has it."""

    def __init__(self, value: int | None) -> None:
        self.value = value

    def __call__(self) -> int | None:
        return self.value


def test_a_death_while_the_count_rises_is_the_machine_s_fault_once() -> None:
    count = Counter(7)
    kills = KernelKills(None, count)
    kills.look(0.0, [])
    assert kills.cause(None, DIED) is DIED
    count.value = 8
    cause = kills.cause(None, DIED)
    assert (
        isinstance(cause, Fault) and cause.blame is Blame.MACHINE and "killed by the kernel" in cause.reason
    )
    assert kills.cause(None, DIED) is DIED  # it killed one, not two


def test_what_the_kernel_killed_long_before_is_none_of_our_workers() -> None:
    count = Counter(0)
    kills = KernelKills(None, count)
    kills.look(0.0, [])
    count.value = 1
    kills.look(1.0, [])
    kills.look(1.0 + WITHIN_SECONDS, [])
    assert isinstance(kills.cause(None, DIED), Fault)
    count.value = 2
    for second in range(7, 20):
        kills.look(float(second), [])
    assert kills.cause(None, DIED) is DIED


def test_a_kernel_that_does_not_count_changes_nothing() -> None:
    kills = KernelKills(None, Counter(None))
    kills.look(0.0, [os.getpid()])
    assert kills.cause(os.getpid(), DIED) is DIED


@pytest.mark.parametrize(("limit", "own"), [(MIB, True), (2**50, False)])
def test_a_worker_that_held_more_than_it_may_has_itself_to_blame(limit: int, own: bool) -> None:
    count = Counter(0)
    kills = KernelKills(limit, count)
    kills.look(0.0, [os.getpid()])
    count.value = 1
    cause = kills.cause(os.getpid(), DIED)
    if own:
        assert isinstance(cause, Failure) and cause.status is Status.OOM and "GB" in cause.reason
    else:
        assert isinstance(cause, Fault)


def test_a_pool_begins_a_trial_again_whose_worker_the_kernel_killed(
    ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Counter(0)
    monkeypatch.setattr("evaluators.machine.kernel_kills", count)
    with RayPool(Fake(), PoolSettings(workers=1, retries=0)) as pool:
        pool.submit(candidate(0, epochs=40, pause=0.05))
        first = pool.poll(60.0)
        count.value = 1
        os.kill(int(first[0].worker.rsplit(":", 1)[1]), signal.SIGKILL)
        events = drain(pool, [])
    assert any(e.restarted.endswith("because memory had run out") for e in events[0])
    assert events[0][-1].done


_DRIVER = """
import subprocess, sys
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from tests.evaluators.fakes import Fake
from tests.evaluators.pools.driving import candidate

said = []
with RayPool(Fake(), PoolSettings(workers=1, retries=0), said.append) as pool:
    pool.submit(candidate(0, epochs=100, pause=0.05))
    pool.poll(60.0)
    # Another program takes all that the group may have; Ray has the kernel kill its workers first.
    hog = subprocess.Popen([sys.executable, "-c", "import time; held = bytearray(b'1') * %d; time.sleep(600)"])
    last = None
    while not (last and (last.done or last.failure)):
        for last in pool.poll(5.0):
            if last.restarted:
                hog.kill()
                print("restarted:", last.restarted, flush=True)
print("failure:", last.failure, flush=True)
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of version 1 in which processes have 1200 MiB."""
    if not os.access(GROUP, os.W_OK) or not (GROUP / "memory.limit_in_bytes").exists():
        pytest.skip("no control groups of version 1 that may be made here")
    made = GROUP / f"nascale-test-{os.getpid()}"
    made.mkdir()
    (made / "memory.limit_in_bytes").write_text(str(1200 * MIB))
    yield made
    made.rmdir()


@pytest.mark.slow
def test_the_kernel_kills_a_worker_for_real(group: Path, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(_DRIVER % (1100 * MIB)))
    driver = subprocess.run(
        [sys.executable, str(script)],
        env=environment(TMPDIR="/tmp", RAY_memory_monitor_refresh_ms="0"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
    )
    assert "was killed by the kernel because memory had run out" in driver.stdout, driver.stderr
    assert driver.stdout.splitlines()[-1] == "failure: None"
