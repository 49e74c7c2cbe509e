"""The service under load: followers of one study, requests for its front, and the speed of the search meanwhile.

    python -m bench.service_load                               # a minute of 200 requests a second, 50 followers
    python -m bench.service_load --repeats 5                   # five times, each beside a minute without the load
    python -m bench.service_load --seconds 20 --repeats 0      # without a search

A search runs as a job twice in each repeat, once beside the load and once alone, in turns; both try the same networks. Compared is how long
each took for as many trials as both ended within --seconds. Requests are spread over health, the front and the trials of the
study; their answers must be 200. Where the search ends by itself, the reason and the end of its log are printed. The program asks
from the same machine, and so takes processors away from what it measures: how much of one the service and the program took is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.light_http import LightClient, asked_steadily
from bench.service_jobs import expect
from nascale.client import Client
from tests.factories import sqlite_study
from tests.service.api.serving import TOKEN, Serving, serving

SPEC = {"data": "digits", "space": "mixed", "epochs": 2, "workers": 2, "sampler": "random", "repeats": 0}
_TRIALS = 5000
"""More than a search can end while it is looked at."""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sqlite_study(place / "store.db", 200)
        with serving(place, "--storage", str(place / "store.db")) as served:
            print(f"service: {served.megabytes():.0f} MB at its start")
            if arguments.repeats:
                _compared(served, arguments)
            else:
                with Client(served.url, TOKEN) as client:
                    job = client.submit("search", {**SPEC, "trials": 1, "study": "short"})["id"]
                taken, failed = asyncio.run(_loaded(served, arguments, job, "digits"))
                _tell("in all", taken, failed)
            print(f"service: {served.megabytes():.0f} MB at its end")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--followers", type=int, default=50)
    parser.add_argument("--rate", type=float, default=200.0, help="Requests a second.")
    parser.add_argument("--seconds", type=float, default=60.0, help="Of each load, and of each search alone.")
    parser.add_argument("--repeats", type=int, default=1, help="Of load and search alone; 0 for no search.")
    return parser.parse_args()


def _compared(served: Serving, arguments: argparse.Namespace) -> None:
    """Searches beside the load and alone, in turns, and prints what became of the requests and of the search's speed."""
    ratios: list[float] = []
    taken: list[float] = []
    failed = 0
    for number in range(arguments.repeats):
        ended = {}
        for kind in ("beside", "alone") if number % 2 == 0 else ("alone", "beside"):
            study = f"{kind}-{number}"
            with Client(served.url, TOKEN) as client:
                job = client.submit("search", {**SPEC, "trials": _TRIALS, "study": study})["id"]
                _wait_for_trials(served, client, job, study)
                if kind == "alone":
                    time.sleep(arguments.seconds)
                else:
                    found, errors = asyncio.run(_loaded(served, arguments, job, study))
                    taken += found
                    failed += errors
                ended[kind] = _ends(client, study, arguments.seconds)
                expect(served, client, job, "running")
                client.cancel(job, "kill")
                while client.job(job)["state"] == "stopping":
                    time.sleep(0.2)
                expect(served, client, job, "cancelled")
        count = min(map(len, ended.values()))
        if not count:
            raise SystemExit(f"no trial ended within {arguments.seconds:g} s; --seconds: wanted more")
        speed = {kind: 60 * count / ends[count - 1] for kind, ends in ended.items()}
        ratios.append(speed["beside"] / speed["alone"])
        print(
            f"search, {count} trials: {speed['alone']:.1f} a minute alone, {speed['beside']:.1f} beside the load: {ratios[-1]:.3f}",
            flush=True,
        )
    _tell("in all", taken, failed)
    error = statistics.stdev(ratios) / math.sqrt(len(ratios)) if len(ratios) > 1 else None
    print(
        f"the search's trials a minute, beside the load to alone: {statistics.fmean(ratios):.3f}, standard error "
        f"{'not known from one repeat' if error is None else f'{error:.3f} of {len(ratios)} repeats'}"
    )


async def _loaded(
    served: Serving, arguments: argparse.Namespace, job: str, study: str
) -> tuple[list[float], int]:
    """Puts the load on: (seconds that each request took, how many failed). Followers that were refused or heard nothing failed, too."""
    light = LightClient(served.url, TOKEN)
    followers = [await light.follow(f"/v1/jobs/{job}/events") for _ in range(arguments.followers)]
    paths = [f"/v1/studies/{study}{rest}" for rest in ("/front", "/trials", "")] + ["/v1/health"]
    before = time.process_time(), served.processor_seconds()
    taken, failed = await asked_steadily(light, paths, arguments.rate, arguments.seconds)
    own, service = time.process_time() - before[0], served.processor_seconds() - before[1]
    _tell(f"{len(taken) / arguments.seconds:.0f} a second for {arguments.seconds:g} s", taken, failed)
    print(
        f"of one processor the service took {service / arguments.seconds:.2f}, this program {own / arguments.seconds:.2f}"
    )
    heard = [follower.heard for follower in followers]
    print(
        f"{len(followers)} followers: answers {sorted({one.status for one in followers})}, heard {min(heard, default=0)} to "
        f"{max(heard, default=0)} events",
        flush=True,
    )
    light.close()
    return taken, failed + sum(one.status != 200 or not one.heard for one in followers)


def _tell(what: str, taken: list[float], failed: int) -> None:
    cuts = statistics.quantiles(taken, n=100)
    print(
        f"requests, {what}: {len(taken)}, {failed} errors, median {1e3 * cuts[49]:.0f} ms, p95 {1e3 * cuts[94]:.0f} ms, "
        f"p99 {1e3 * cuts[98]:.0f} ms",
        flush=True,
    )


def _ends(client: Client, study: str, seconds: float) -> list[float]:
    """When the trials of a search ended, in seconds from the first one's start, of those within ``seconds``."""
    frame = client.trials(study)
    found = (frame["finished"] - frame["started"].min()).dt.total_seconds().dropna()
    return sorted(float(one) for one in found if one <= seconds)


def _wait_for_trials(served: Serving, client: Client, job: str, study: str) -> None:
    while not any(row["study"] == study and row["trials"] for row in client.studies()):
        expect(served, client, job, "queued", "starting", "running")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
