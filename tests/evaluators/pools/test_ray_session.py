"""The life of a local Ray: it is alone, listens on loopback, is started anew when it dies, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.pools import ray_leftovers, ray_session
from evaluators.pools.ray_messages import PREFIX, new_file, remove_old
from tests.processes import environment

_DRIVER = """
import os, signal, sys
from evaluators.evaluator import Candidate
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from tests.evaluators.fakes import Fake

with RayPool(Fake(), PoolSettings(workers=1), print) as pool:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print(pool._session.folder, flush=True)
    pool.submit(Candidate(0, {"do": "work", "epochs": 100000, "pause": 0.05}, "key", None, 0))
    while True:
        for event in pool.poll(5.0):
            print("restarted" if event.restarted else event.failure or event.measurement.epoch, flush=True)
            kept = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            print("SIGTERM is handled as before:", kept, flush=True)
"""


def started(folder: Path, *parts: str) -> subprocess.Popen[str]:
    """A process, the first of its session, that runs the parts of a program."""
    script = folder / "driver.py"
    script.write_text("".join(map(textwrap.dedent, parts)))
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        # The names of sockets must be short.
        env=environment(TMPDIR="/tmp"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a local Ray, on which a trial without an end runs."""
    process = started(tmp_path, _DRIVER)
    yield process
    process.kill()
    process.communicate()


def said(driver: subprocess.Popen[str], pattern: str) -> str:
    """The driver's first line that begins with the pattern."""
    assert driver.stdout is not None and driver.stderr is not None
    for line in driver.stdout:
        if re.match(pattern, line):
            return line.strip()
    raise AssertionError(driver.stderr.read())


def pid_of(folder: Path, program: str) -> int:
    """The process of a Ray that runs ``program``."""
    (found,) = [
        pid
        for pid in ray_leftovers.processes_of(folder)
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(program.encode())
    ]
    return found


def agents(folder: Path, name: str) -> list[int]:
    """The processes of a Ray that have given themselves this name."""
    title = f"ray::{name}".encode()
    found = ray_leftovers.processes_of(folder)
    return [pid for pid in found if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(title)]


def listening(folder: Path) -> set[str]:
    """The addresses, in the hexadecimal digits of /proc/net, at which the processes of a Ray listen."""
    inodes = set()
    for pid in ray_leftovers.processes_of(folder):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(file).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].rpartition(":")[0])
    return found


def until(true: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


@pytest.mark.slow
@pytest.mark.parametrize("program", ["raylet", "gcs_server"])
def test_a_ray_that_dies_is_started_anew_and_one_whose_driver_is_killed_leaves_nothing(
    program: str, driver: subprocess.Popen[str]
) -> None:
    folder = Path(said(driver, f"/.*{PREFIX}"))
    said(driver, "2$")
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("DashboardAgent", "RuntimeEnvAgent"):
        assert until(lambda name=name: agents(folder, name), 20.0), "they are found, too"
    assert listening(folder) and listening(folder) <= LOOPBACK
    os.kill(pid_of(folder, program), signal.SIGKILL)
    assert "is started anew (1 of 3 times)" in said(driver, "Ray's ")
    said(driver, "restarted")
    said(driver, "1$")
    said(driver, "SIGTERM is handled as before: True")
    driver.kill()
    assert until(lambda: not folder.exists(), 10.0)
    assert list(ray_leftovers.processes_of(folder)) == []
    out, err = driver.communicate()
    assert err == "" and "raylet)" not in out
    kept = ray_leftovers.messages_of(folder)
    assert "== the end of raylet.out" in kept.read_text()
    kept.unlink()


_KILLS = """
import os, signal
import ray
from ray._private import services
from evaluators.pools import ray_leftovers

def before(module, name, times):
    function = getattr(module, name)

    def kill_first(*arguments, **options):
        if times:
            times.pop()
            pids = [pid for pid in ray_leftovers.processes_of(ray_leftovers.Path(os.environ[ray_leftovers.MARK]))
                    if open(f"/proc/{pid}/comm").read().strip() == "raylet"]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        return function(*arguments, **options)

    setattr(module, name, kill_first)
"""


@pytest.mark.slow
def test_a_raylet_that_dies_while_ray_starts_is_one_that_dies_and_where_ray_ends_the_driver_that_is_said(
    tmp_path: Path,
) -> None:
    """It dies while the node starts, which Ray would notice after half a minute, and later while images are handed out."""
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(_KILLS)
        + textwrap.dedent(
            """
            from evaluators.pools.protocol import PoolSettings
            from evaluators.pools.ray import RayPool
            from evaluators.pools.ray_session import LocalRay
            from tests.evaluators.fakes import Fake

            before(services, "get_node", [1])
            begin = LocalRay._init

            def remembered(session):
                os.environ[ray_leftovers.MARK] = str(session.folder)
                begin(session)

            LocalRay._init = remembered
            before(ray, "put", [1])
            with RayPool(Fake(), PoolSettings(workers=1), lambda text: print(text, flush=True)):
                print("not to be said")
            """
        )
    )
    driver = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment(TMPDIR="/tmp"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert driver.stdout == "Ray's raylet has ended; Ray is started anew (1 of 3 times)\n", driver.stderr
    assert driver.returncode == 1
    assert re.fullmatch(
        r"error: workers: wanted a Ray that stays, .* the same command goes on.*\n", driver.stderr
    )
    kept = Path(driver.stderr.split()[-1])
    assert "The connection to the plasma store is failed" in kept.read_text().splitlines()[-1]
    assert until(lambda: not kept.with_suffix("").exists(), 10.0)
    kept.unlink()


def test_only_ray_s_own_words_are_taken_for_why_it_ended_a_driver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nascale-ray-x"
    logs = folder / "ray" / "session_latest" / "logs"
    logs.mkdir(parents=True)
    log = logs / "python-core-driver-01.log"
    assert ray_leftovers.last_words(folder) == ""
    log.write_text("[I] Initializing\n[W] Number of alive nodes:1\n")
    ray_leftovers.say_last_words(folder)
    assert capsys.readouterr().err == "" and not ray_leftovers.messages_of(folder).exists()
    log.write_text(log.read_text() + "[E] Failed to register worker to Raylet: IOError\n[I] shut down\n")
    ray_leftovers.say_last_words(folder)
    assert str(ray_leftovers.messages_of(folder)) in capsys.readouterr().err
    assert "IOError" in ray_leftovers.messages_of(folder).read_text()


@pytest.mark.slow
def test_a_driver_whose_parent_is_process_1_outlives_its_raylet(tmp_path: Path) -> None:
    """Ray takes it for a worker, whose parent would be the raylet."""
    orphaned = """
    import os, time
    if os.fork():
        os._exit(0)
    while os.getppid() == os.getsid(0):
        time.sleep(0.01)
    print("parent", os.getppid(), flush=True)
    """
    parent = started(tmp_path, orphaned, _DRIVER)
    try:
        if said(parent, "parent") != "parent 1":
            pytest.skip("orphans are adopted by another process here")
        folder = Path(said(parent, f"/.*{PREFIX}"))
        said(parent, "2$")
        os.kill(pid_of(folder, "raylet"), signal.SIGKILL)
        assert "is started anew (1 of 3 times)" in said(parent, "Ray's ")
        said(parent, "restarted")
        said(parent, "1$")
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_messages_go_to_a_file_that_is_kept_if_something_went_wrong(unbuffered: str, tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import logging, os, sys
        from pathlib import Path
        from evaluators.pools.ray_messages import RayMessages
        import ray._private.worker

        before = sys.stderr
        for wrong in (False, True):
            messages = RayMessages(Path(sys.argv[1]))
            os.write(2, b"from C++\\n")
            logging.getLogger("ray").warning("from Python")
            ray._private.worker.print_to_stdstream({"pid": "raylet", "lines": ["low on memory"], "is_err": False}, False)
            print("ours", file=before)
            if wrong:
                messages.went_wrong()
            print(messages.close())
            os.write(2, b"afterwards\\n")
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "log")],
        env=environment(PYTHONUNBUFFERED=unbuffered),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "ours\nafterwards\n" * 2
    assert done.stdout == f"None\n{tmp_path / 'log'}\n"
    kept = (tmp_path / "log").read_text()
    assert all(text in kept for text in ("from C++", "from Python", "(raylet) low on memory"))
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_has_left_is_removed_by_the_next_and_a_living_one_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_session, "_SETTLING_SECONDS", 0.0)
    dead, living, foreign = (tmp_path / f"{PREFIX}{name}" for name in ("dead", "living", "foreign"))
    for folder in (dead, living):
        folder.mkdir()
        ray_leftovers.messages_of(folder).touch()
    foreign.write_text("no folder")
    ray_session._owned(dead).close()
    sleeper = subprocess.Popen(["sleep", "60"], env={**os.environ, ray_leftovers.MARK: str(dead)})
    with ray_session._owned(living):
        assert until(lambda: list(ray_leftovers.processes_of(dead)) == [sleeper.pid], 10.0)
        ray_session._remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == [foreign, living, ray_leftovers.messages_of(living)]
    assert sleeper.wait(10) == -signal.SIGKILL


def test_old_messages_are_removed_and_new_ones_kept(tmp_path: Path) -> None:
    old, new = new_file(tmp_path), new_file(tmp_path)
    for file in (old, new):
        file.touch()
    os.utime(old, (0, 0))
    remove_old(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_the_folder_lies_where_the_names_of_sockets_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 20)))
    assert ray_session._base() == Path("/tmp")
    monkeypatch.setattr("tempfile.tempdir", "/var/tmp")
    assert ray_session._base() == Path("/var/tmp")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_ray_that_dies_four_times_ends_the_search_and_names_its_messages(
    driver: subprocess.Popen[str],
) -> None:
    folder = Path(said(driver, f"/.*{PREFIX}"))
    for number in (1, 2, 3):
        said(driver, "2$")
        os.kill(pid_of(folder, "raylet"), signal.SIGKILL)
        assert f"is started anew ({number} of 3 times)" in said(driver, "Ray's ")
    said(driver, "2$")
    os.kill(pid_of(folder, "raylet"), signal.SIGKILL)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 1 and not folder.exists()
    kept = ray_leftovers.messages_of(folder)
    last = err.splitlines()[-1]
    assert "Ray's raylet has ended again after Ray was started anew 3 times; the same command goes on" in last
    assert last.endswith(f"Ray's messages are in {kept}")
    assert "Raylet is terminated" in kept.read_text()
    kept.unlink()
