"""The service beside a study of 20,000 trials: how soon its front is there, and memory while it is polled.

    python -m bench.service_large --polls 20             # as fast as the answers come, the study read anew before each
    python -m bench.service_large --minutes 60           # an hour of one request a second, the study changing every minute
    python -m bench.service_large --minutes 60 --to rss.csv

With --minutes the service is the one that ``nascale serve`` starts, and a client asks in turn for the front, pages of trials, single
trials, the page in a browser, jobs, and the events of a job. Memory (resident) is looked at every 30 seconds; its slope is that of a
least-squares line through means of five minutes, the first ten minutes left out, with the line's standard error.

With --polls the service is one that reads a study anew whenever it has changed, where else it would every eight to ten seconds: an
hour's polling is 450 readings at most.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.service_jobs import expect
from nascale.client import Client
from tests.factories import sqlite_study
from tests.service.api.serving import TOKEN, Serving, serving

_FORGETFUL = """
import service.age
service.age.MOST_SECONDS = 0.0
from nascale.cli import main
main()
"""
_SAMPLE_SECONDS, _CHANGE_SECONDS, _WARM_SECONDS, _BLOCK_SECONDS = 30.0, 60.0, 600.0, 300.0
_READ_WHOLE = (
    "/v1/studies/digits/front",
    "/v1/studies",
    "/studies/digits",
    "/v1/studies/digits/trials?after=1000&format=parquet",
)
"""Answers for which all trials are gone through, in four ways."""
_JOB = {"data": "digits", "space": "mixed", "epochs": 1, "trials": 2, "workers": 1, "fraction": 0.2}
"""A short search, for its events."""


def main() -> None:
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory() as folder,
        _service(Path(folder), arguments.trials, forgetful=not arguments.minutes) as served,
        httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=600) as http,
    ):
        print(f"service: {served.megabytes():.0f} MB at its start")
        _fronts(served, http, arguments.trials)
        if arguments.minutes:
            _polled_for(served, http, arguments)
        else:
            _polled(served, http, arguments.polls)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=20000)
    parser.add_argument("--polls", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--pause", type=float, default=1.0, help="Seconds from one request to the next.")
    parser.add_argument("--to", type=Path, help="A csv of seconds and MB, written as they are looked at.")
    return parser.parse_args()


@contextmanager
def _service(place: Path, trials: int, *, forgetful: bool) -> Iterator[Serving]:
    sqlite_study(place / "store.db", trials, architectures=False)
    program = ("-c", _FORGETFUL) if forgetful else ("-m", "nascale")
    with serving(place, "--storage", str(place / "store.db"), program=program) as served:
        yield served


def _fronts(served: Serving, http: httpx.Client, trials: int) -> None:
    """Prints how soon the front is there: the first time, unchanged, and after a change."""
    for name in ("first", "again", "changed"):
        if name == "changed":
            time.sleep(1.0)
            _touch(served.place)
        begun = time.perf_counter()
        answer = http.get("/v1/studies/digits/front")
        took = time.perf_counter() - begun
        print(
            f"front of {trials} trials, {name}: {took:.2f} s, {len(answer.json()['items'])} rows", flush=True
        )


def _polled(served: Serving, http: httpx.Client, polls: int) -> None:
    begun = time.perf_counter()
    print(f"memory over {polls} polls, in MB: {served.megabytes():.0f}", end="", flush=True)
    for number in range(polls):
        _touch(served.place)
        http.get(_READ_WHOLE[number % len(_READ_WHOLE)]).raise_for_status()
        if (number + 1) % max(1, polls // 20) == 0:
            print(f" {served.megabytes():.0f}", end="", flush=True)
    print(f", in {time.perf_counter() - begun:.0f} s")


def _polled_for(served: Serving, http: httpx.Client, arguments: argparse.Namespace) -> None:
    with Client(served.url, TOKEN) as client:
        job = client.submit("search", {**_JOB, "study": "short"})["id"]
        for _ in client.events(job):
            pass
        expect(served, client, job, "succeeded")
    asked = _paths(arguments.trials, job)
    samples: list[tuple[float, float]] = []
    used, number, changed = served.processor_seconds(), 0, 0.0
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < 60 * arguments.minutes:
        if now >= len(samples) * _SAMPLE_SECONDS:
            samples.append((now, served.megabytes()))
            if arguments.to is not None:
                with arguments.to.open("a", newline="") as file:
                    csv.writer(file).writerow([f"{now:.0f}", f"{samples[-1][1]:.2f}"])
        if now - changed >= _CHANGE_SECONDS:
            _touch(served.place)
            changed = now
        http.get(next(asked)).raise_for_status()
        number += 1
        time.sleep(max(0.0, number * arguments.pause - (time.monotonic() - begun)))
    used = served.processor_seconds() - used
    print(f"{number} requests in {now:.0f} s; of one processor the service took {used / now:.3f}")
    _tell(samples)


def _tell(samples: Sequence[tuple[float, float]]) -> None:
    every = max(1, len(samples) // 20)
    print("memory, in MB:", " ".join(f"{held:.0f}" for _, held in samples[::every]))
    print(f"largest {max(m for _, m in samples):.0f} MB")
    blocks: dict[int, list[float]] = {}
    for seconds, held in samples:
        if seconds >= _WARM_SECONDS:
            blocks.setdefault(int(seconds // _BLOCK_SECONDS), []).append(held)
    if len(blocks) >= 3:
        hours = [(block + 0.5) * _BLOCK_SECONDS / 3600 for block in blocks]
        slope, error = _line(hours, [statistics.fmean(found) for found in blocks.values()])
        print(f"slope after the first ten minutes: {slope:+.2f} MB an hour, standard error {error:.2f}")


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """(slope of the least-squares line, its standard error)."""
    slope, intercept = statistics.linear_regression(x, y)
    mean = statistics.fmean(x)
    residual = sum((b - slope * a - intercept) ** 2 for a, b in zip(x, y, strict=True))
    return slope, math.sqrt(residual / (len(x) - 2) / sum((a - mean) ** 2 for a in x))


def _paths(trials: int, job: str) -> Iterator[str]:
    """What is asked for, without end: other pages and trials each time."""
    generator = random.Random(0)
    while True:
        yield "/v1/studies/digits/front"
        yield f"/v1/studies/digits/trials?after={generator.randrange(trials)}"
        yield f"/v1/studies/digits/trials/{generator.randrange(trials)}"
        yield "/v1/jobs"
        yield "/v1/studies/digits/front?format=csv"
        yield f"/v1/jobs/{job}/events"
        yield "/v1/studies"
        yield f"/v1/studies/digits/trials?after={200 * generator.randrange(trials // 200)}&format=parquet"
        yield "/studies/digits"
        yield "/jobs"


def _touch(place: Path) -> None:
    """Has the database look changed, as a search does."""
    os.utime(place / "store.db")


if __name__ == "__main__":
    sys.exit(main())
