"""The service under load: followers of one study, requests for its front, and the speed of the search meanwhile.

    python -m bench.service_load                               # a minute of 200 requests a second, 50 followers
    python -m bench.service_load --seconds 20 --trials 0       # without a search
    python -m bench.service_load --large 20000                 # a study of 20,000 trials: its front, the service's memory

A search of --trials trials runs as a job, first alone and then beside the load; its trials per minute are compared. Requests are spread
over health, the front and the trials of the study; their answers must be 200. The program asks from the same machine, so that
it takes processors away from what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from nascale.client import Client
from tests.factories import sqlite_study
from tests.service.api.serving import TOKEN, Serving, serving

SPEC = {"data": "digits", "space": "mixed", "epochs": 2, "workers": 2, "sampler": "random", "repeats": 0}


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder), arguments.large) as served:
        print(f"service: {_megabytes(served):.0f} MB at its start")
        if arguments.large:
            _large(served, arguments.large, arguments.seconds)
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
    parser.add_argument(
        "--large", type=int, default=0, metavar="TRIALS", help="A stored study of so many trials."
    )
    return parser.parse_args()


@contextmanager
def _service(place: Path, large: int) -> Iterator[Serving]:
    sqlite_study(place / "store.db", large or 200, architectures=not large)
    with serving(place, "--storage", str(place / "store.db")) as served:
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
    headers = {"Authorization": f"Bearer {TOKEN}"}
    limits = httpx.Limits(max_connections=500)
    async with httpx.AsyncClient(base_url=served.url, headers=headers, limits=limits, timeout=60) as http:
        followers = [asyncio.create_task(_follow(http, job)) for _ in range(arguments.followers)]
        taken, errors = await _ask(http, study, arguments.rate, arguments.seconds)
        cuts = statistics.quantiles(taken, n=100)
        print(
            f"{len(taken) / arguments.seconds:.0f} requests a second for {arguments.seconds:.0f} s, {arguments.followers} followers: "
            f"{errors} errors, median {1e3 * cuts[49]:.0f} ms, p95 {1e3 * cuts[94]:.0f} ms, p99 {1e3 * cuts[98]:.0f} ms"
        )
        if not arguments.trials:
            for one in followers:
                one.cancel()
            return None
        heard = await asyncio.gather(*followers)
    print(f"followers heard {min(heard)} to {max(heard)} events")
    with Client(served.url, TOKEN) as client:
        return _speed(client, study)


def _wait_for_trials(client: Client, study: str) -> None:
    while not any(row["study"] == study and row["trials"] for row in client.studies()):
        time.sleep(0.5)


async def _follow(http: httpx.AsyncClient, job: str) -> int:
    """How many events a follower hears until the job has ended."""
    heard = 0
    async with http.stream("GET", f"/v1/jobs/{job}/events", timeout=None) as answer:
        async for line in answer.aiter_lines():
            heard += line.startswith("event: ")
    return heard


async def _ask(http: httpx.AsyncClient, study: str, rate: float, seconds: float) -> tuple[list[float], int]:
    """(seconds that each request took, how many failed) at ``rate`` requests a second, whether or not others are answered."""
    paths = (
        f"/v1/studies/{study}/front",
        f"/v1/studies/{study}/trials",
        "/v1/health",
        f"/v1/studies/{study}",
    )
    taken: list[float] = []
    failed = 0

    async def one(path: str) -> None:
        nonlocal failed
        begun = time.perf_counter()
        try:
            answer = await http.get(path)
            failed += answer.status_code != 200
        except httpx.TransportError:
            failed += 1
        taken.append(time.perf_counter() - begun)

    begun, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(paths[number % len(paths)])))
    await asyncio.gather(*tasks)
    return taken, failed


def _large(served: Serving, trials: int, seconds: float) -> None:
    """What a large study asks of the service: the first front, later ones, and memory while it is polled."""
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120) as http:
        for name in ("first", "again"):
            begun = time.perf_counter()
            answer = http.get("/v1/studies/digits/front")
            took = time.perf_counter() - begun
            print(f"front of {trials} trials, {name}: {took:.2f} s, {len(answer.json()['items'])} rows")
        end, memory = time.monotonic() + seconds, []
        while time.monotonic() < end:
            _touch(served.place)
            for path in ("front", "trials", "trials?after=15000"):
                http.get(f"/v1/studies/digits/{path}").raise_for_status()
            memory.append(_megabytes(served))
            time.sleep(0.5)
        print(f"memory over {seconds:.0f} s of polling: {min(memory):.0f} to {max(memory):.0f} MB")


def _touch(place: Path) -> None:
    """Has the database look changed, as a search does."""
    os.utime(place / "store.db")


def _megabytes(served: Serving) -> float:
    assert served.process is not None
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(served.process.pid)], capture_output=True, text=True, check=True
    )
    return int(told.stdout) / 1000


if __name__ == "__main__":
    sys.exit(main())
