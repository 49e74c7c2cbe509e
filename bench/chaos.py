"""One search while everything around it fails: does it end as the undisturbed one?

    python -m bench.chaos --seed 0 --minutes 10
    python -m bench.chaos --seed 1 --minutes 3 --epochs 3 --undisturbed undisturbed.json

A search of 60 trainings on digits, stored on a PostgreSQL server of its own, meets a random fault every 5 to 20 seconds:
its driver, a worker or Ray's raylet is killed, a worker is stopped for good, the server is restarted, its connections are
cut, or a bounded hog takes memory for 3 seconds while Ray's threshold is lowered to what it then finds. Whoever started the
driver starts it again when it ends. After the given minutes the search may come to its end. What is then stored is compared
with the same search undisturbed, trial by trial: everything but times, workers and the epochs of pruned trials is to be equal.
Exit status 1 if it is not. ``--undisturbed`` keeps the undisturbed trials in a file, or reads them from it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import require
from results.studies import load
from results.trial_result import TrialResult
from tests.databases import Server, why_no_server
from tests.processes import environment

STUDY = "chaos"
SEARCH = (
    *("--data", "digits", "--trials", "60", "--fraction", "0.3", "--seed", "7", "--sampler", "controller"),
    *("--pruner", "halving", "--workers", "2", "--retries", "50", "--checkpoint-every", "1s"),
)
HANG_SECONDS = 15.0
"""What is otherwise five minutes: a stopped worker is to be noticed while the faults go on."""
PRESSURE_SECONDS = 3.0
OWN_BYTES, HOG_BYTES = 3 * 2**30, 4 * 2**30
"""Room above what is in use when a driver starts, and what the hog takes of it and beyond."""
TIMES = frozenset(
    {"epochs", "seconds", "started", "finished", "worker", "latency_seconds", "extra", "repeats", "fidelity"}
)
MOST_STARTS = 200


class Driver:
    """The process of the search on ``url``; its messages go to ``log``."""

    def __init__(self, url: str, folder: Path, epochs: int) -> None:
        self._url, self._folder, self._epochs = url, folder, epochs
        self.process: subprocess.Popen[bytes] | None = None
        self.ended: Counter[str] = Counter()
        self.starts = 0

    def start(self) -> None:
        """Starts it, with a threshold above what is in use now."""
        import psutil

        memory = psutil.virtual_memory()
        used = memory.total - memory.available
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.chaos", "--drive", self._url, "--epochs", str(self._epochs)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment(
                    RAY_memory_usage_threshold=f"{min(0.9, (used + OWN_BYTES) / memory.total):.4f}",
                    NASCALE_CACHE=str(self._folder),
                ),
            )
        self.starts += 1

    def look(self) -> bool:
        """Whether the search is at its end; a driver that has ended without is started again."""
        assert self.process is not None
        code = self.process.poll()
        if code is None:
            return False
        self.ended["killed" if code < 0 else f"exit {code}"] += 1
        if code == 0:
            return True
        if code == 2 or self.starts >= MOST_STARTS:
            raise SystemExit(f"the driver ended with {code}; its messages: {self._folder / 'log'}")
        self.start()
        return False

    def children(self, name: str) -> list[Any]:
        """Its processes whose name or command line begins with ``name``."""
        import psutil

        found = []
        with suppress(psutil.Error):
            assert self.process is not None
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if child.name().startswith(name) or " ".join(child.cmdline()).startswith(name):
                        found.append(child)
        return found

    def signal(self, rng: random.Random, name: str, number: signal.Signals) -> bool:
        """Sends a signal to one of its processes of that name; whether there was one."""
        some = sorted(self.children(name), key=lambda child: child.pid)
        with suppress(ProcessLookupError):
            if some:
                os.kill(rng.choice(some).pid, number)
                return True
        return False

    def kill(self) -> bool:
        """Ends the driver alone, without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        return True


def drive(url: str, epochs: int) -> None:
    """The search itself, in this process."""
    from evaluators.pools import pace
    from nascale.cli import main

    pace.LEAST_SECONDS = HANG_SECONDS
    main(["search", "--study", STUDY, "--storage", url, "--epochs", str(epochs), *SEARCH])


def hog() -> bool:
    """Takes memory for a while, in a process of its own; returns at once."""
    code = f"import time; held = bytearray(b'1') * {HOG_BYTES}; time.sleep({PRESSURE_SECONDS})"
    subprocess.Popen([sys.executable, "-c", code])
    return True


def restart(server: Server) -> bool:
    """The database server stops, cutting all connections, and comes back."""
    server.stop()
    time.sleep(1.0)
    server.start()
    return True


def cut(server: Server, url: str) -> bool:
    """All connections of the search end."""
    server.cut(url)
    return True


def faults(driver: Driver, server: Server, url: str, rng: random.Random) -> dict[str, Callable[[], bool]]:
    """What may happen, by name; each says whether it did."""
    return {
        "driver killed": driver.kill,
        "worker killed": lambda: driver.signal(rng, "ray::RayWorker", signal.SIGKILL),
        "raylet killed": lambda: driver.signal(rng, "raylet", signal.SIGKILL),
        "worker stopped": lambda: driver.signal(rng, "ray::RayWorker", signal.SIGSTOP),
        "server restarted": lambda: restart(server),
        "connections cut": lambda: cut(server, url),
        "memory taken": hog,
    }


def run(
    server: Server, folder: Path, minutes: float, seed: int, url: str, epochs: int
) -> tuple[Counter[str], Driver]:
    """Carries the search on ``url`` to its end, with faults for the first ``minutes``; how many of each there were."""
    rng = random.Random(seed)
    driver = Driver(url, folder, epochs)
    driver.start()
    began, done = time.monotonic(), Counter[str]()
    happens = faults(driver, server, url, rng)
    due = began + rng.uniform(5, 20)
    try:
        while not driver.look():
            now = time.monotonic()
            if due <= now < began + 60 * minutes:
                name = rng.choice(sorted(happens))
                done[name if happens[name]() else f"{name}: none there"] += 1
                due = time.monotonic() + rng.uniform(5, 20)
            time.sleep(0.1)
    except BaseException:
        driver.kill()
        raise
    return done, driver


def compared(trial: TrialResult) -> dict[str, Any]:
    """What is to be equal of a trial, as JSON has it."""
    told = {name: value for name, value in vars(trial).items() if name not in TIMES}
    told["status"] = str(trial.status)
    return dict(json.loads(json.dumps(told, default=str, sort_keys=True)))


def differences(wanted: Sequence[dict[str, Any]], came: Sequence[dict[str, Any]]) -> list[str]:
    """One line for each figure that differs."""
    lines = [] if len(wanted) == len(came) else [f"{len(came)} trials, not {len(wanted)}"]
    for number, (one, other) in enumerate(zip(wanted, came, strict=False)):
        lines += [
            f"trial {number}: {name} is {str(other.get(name))[:80]}, not {str(one[name])[:80]}"
            for name in one
            if one[name] != other.get(name)
        ]
    return lines


def undisturbed(server: Server, folder: Path, kept: Path | None, epochs: int) -> list[dict[str, Any]]:
    """The trials of the search to which nothing happens."""
    if kept is not None and kept.exists():
        return list(json.loads(kept.read_text()))
    url = server.create()
    run(server, folder, 0.0, 0, url, epochs)
    rows = [compared(trial) for trial in load(STUDY, url).trials]
    if kept is not None:
        kept.write_text(json.dumps(rows))
    return rows


def main() -> None:
    """Reads the arguments, runs both searches and prints how they compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--epochs", type=int, default=30, help="of each training: how long it all takes")
    parser.add_argument("--undisturbed", type=Path, metavar="FILE")
    parser.add_argument("--drive", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive is not None:
        drive(arguments.drive, arguments.epochs)
        return
    require("psutil")
    if why_no_server():
        raise SystemExit(f"error: {why_no_server()}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="nascale-chaos-"))
    server = Server()
    try:
        server.start()
        wanted = undisturbed(server, folder, arguments.undisturbed, arguments.epochs)
        url, began = server.create(), time.monotonic()
        done, driver = run(server, folder, arguments.minutes, arguments.seed, url, arguments.epochs)
        seconds = time.monotonic() - began
        came = [compared(trial) for trial in load(STUDY, url).trials]
    finally:
        server.close()
    wrong = differences(wanted, came)
    told = ", ".join(f"{count} {name}" for name, count in sorted(done.items()))
    ended = ", ".join(f"{count} {how}" for how, count in sorted(driver.ended.items()))
    print(f"seed {arguments.seed}: {sum(done.values())} faults in {seconds:.0f} s ({told or 'none'})")
    print(f"driver started {driver.starts} times: {ended}; messages: {folder / 'log'}")
    print(
        f"{len(came)} trials; "
        + (f"{len(wrong)} differences" if wrong else "equal to the undisturbed search")
    )
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
