"""The service under load: followers of one study, requests for its front, and the speed of the search meanwhile.

    python -m bench.service_load                               # a minute of 200 requests a second, 50 followers
    python -m bench.service_load --seconds 20 --trials 0       # without a search
    python -m bench.service_load --large 20000 --polls 5000    # a study of 20,000 trials: its front, the service's memory

A search of --trials trials runs as a job, first alone and then beside the load; its trials per minute are compared. Requests are spread
over health, the front and the trials of the study; their answers must be 200. The program asks from the same machine, and so takes
processors away from what it measures: how much of one the service and the program took is printed.

The large study is said to have changed before each poll, and the service is made to read it anew for each, where else it would every
eight to ten seconds: an hour's polling is 450 readings at most.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from bench.light_http import LightClient, asked_steadily
from nascale.client import Client
from tests.factories import sqlite_study
from tests.service.api.serving import TOKEN, Serving, serving

SPEC = {"data": "digits", "space": "mixed", "epochs": 2, "workers": 2, "sampler": "random", "repeats": 0}
_FORGETFUL = """
import service.api.remembered, service.studies
service.api.remembered.SECONDS = service.studies.READ_SHARE = service.studies._LEAST_SECONDS = 0.0
from nascale.cli import main
main()
"""
"""A service that reads a study anew whenever it has changed, however long that takes: what it is polled in an hour passes in minutes."""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder), arguments.large) as served:
        print(f"service: {_megabytes(served):.0f} MB at its start")
        if arguments.large:
            _large(served, arguments.large, arguments.polls)
            return
        alone = _searched(served, arguments.trials, "alone") if arguments.trials else None
        beside = asyncio.run(_loaded(served, arguments))
        if alone is not None and beside is not None:
            print(
                f"search: {alone:.1f} trials a minute alone, {beside:.1f} beside the load: {beside / alone:.2f}"
            )
        print(f"service: {_megabytes(served):.0f} MB at its end")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--followers", type=int, default=50)
    parser.add_argument("--rate", type=float, default=200.0, help="Requests a second.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--trials", type=int, default=60, help="Of each of the two searches; 0 for none.")
    parser.add_argument("--polls", type=int, default=300, help="Of the large study.")
    parser.add_argument(
        "--large", type=int, default=0, metavar="TRIALS", help="A stored study of so many trials."
    )
    return parser.parse_args()


@contextmanager
def _service(place: Path, large: int) -> Iterator[Serving]:
    sqlite_study(place / "store.db", large or 200, architectures=not large)
    program = ("-c", _FORGETFUL) if large else ("-m", "nascale")
    with serving(place, "--storage", str(place / "store.db"), program=program) as served:
        yield served


def _searched(served: Serving, trials: int, study: str) -> float:
    """Trials a minute of a search, from its first to its last trial."""
    with Client(served.url, TOKEN) as client:
        client.search(**SPEC, trials=trials, study=study)
        return _speed(client, study)


def _speed(client: Client, study: str) -> float:
    frame = client.trials(study)
    minutes = (frame["finished"].max() - frame["started"].min()).total_seconds() / 60
    return len(frame) / minutes


async def _loaded(served: Serving, arguments: argparse.Namespace) -> float | None:
    """Puts the load on; trials a minute of the search beside it."""
    with Client(served.url, TOKEN) as client:
        study = "beside" if arguments.trials else "digits"
        job = client.submit("search", {**SPEC, "trials": arguments.trials or 1, "study": "beside"})["id"]
        if arguments.trials:
            await asyncio.to_thread(_wait_for_trials, client, study)
    light = LightClient(served.url, TOKEN)
    followers = [await light.follow(f"/v1/jobs/{job}/events") for _ in range(arguments.followers)]
    paths = [f"/v1/studies/{study}{rest}" for rest in ("/front", "/trials", "")] + ["/v1/health"]
    before = time.process_time(), _processor_seconds(served)
    taken, errors = await asked_steadily(light, paths, arguments.rate, arguments.seconds)
    own, service = time.process_time() - before[0], _processor_seconds(served) - before[1]
    cuts = statistics.quantiles(taken, n=100)
    print(
        f"{len(taken) / arguments.seconds:.0f} requests a second for {arguments.seconds:.0f} s, {arguments.followers} followers: "
        f"{errors} errors, median {1e3 * cuts[49]:.0f} ms, p95 {1e3 * cuts[94]:.0f} ms, p99 {1e3 * cuts[98]:.0f} ms; "
        f"of one processor the service took {service / arguments.seconds:.2f}, this program {own / arguments.seconds:.2f}"
    )
    if arguments.trials:
        for follower in followers:
            await follower.over.wait()
    heard = [follower.heard for follower in followers]
    print(
        f"followers: answers {sorted({one.status for one in followers})}, heard {min(heard)} to {max(heard)} events"
    )
    light.close()
    if not arguments.trials:
        return None
    with Client(served.url, TOKEN) as client:
        return _speed(client, study)


def _wait_for_trials(client: Client, study: str) -> None:
    while not any(row["study"] == study and row["trials"] for row in client.studies()):
        time.sleep(0.5)


def _large(served: Serving, trials: int, polls: int) -> None:
    """What a large study asks of the service: the first front, later ones, and memory while it is polled."""
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120) as http:
        for name in ("first", "again", "changed"):
            if name == "changed":
                time.sleep(1.0)
                _touch(served.place)
            begun = time.perf_counter()
            answer = http.get("/v1/studies/digits/front")
            took = time.perf_counter() - begun
            print(f"front of {trials} trials, {name}: {took:.2f} s, {len(answer.json()['items'])} rows")
        begun = time.perf_counter()
        print(f"memory over {polls} polls, in MB: {_megabytes(served):.0f}", end="", flush=True)
        for number in range(polls):
            _touch(served.place)
            page = ("front", "trials", "trials?after=15000")[number % 3]
            http.get(f"/v1/studies/digits/{page}").raise_for_status()
            if (number + 1) % max(1, polls // 20) == 0:
                print(f" {_megabytes(served):.0f}", end="", flush=True)
        print(f", in {time.perf_counter() - begun:.0f} s")


def _touch(place: Path) -> None:
    """Has the database look changed, as a search does."""
    os.utime(place / "store.db")


def _processor_seconds(served: Serving) -> float:
    """What the service, without its jobs, has taken of processors."""
    assert served.process is not None
    used = psutil.Process(served.process.pid).cpu_times()
    return float(used.user + used.system)


def _megabytes(served: Serving) -> float:
    assert served.process is not None
    return float(psutil.Process(served.process.pid).memory_info().rss) / 1e6


if __name__ == "__main__":
    sys.exit(main())
