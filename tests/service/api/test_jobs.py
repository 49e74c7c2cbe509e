"""Jobs over HTTP, without the processes: what is taken, what is refused, what followers hear."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.jobs.job import EventType
from service.jobs.store import JobStore
from tests.databases import execute
from tests.service.api.serving import Serving

SPEC = {"data": "digits", "space": "mixed", "trials": 3, "epochs": 1}
REQUEST = {"kind": "search", "spec": SPEC}


@pytest.fixture
def client(either: Serving) -> Iterator[httpx.Client]:
    """A client of a service without jobs."""
    execute(either.database, "DELETE FROM nascale_job_event", "DELETE FROM nascale_job")
    with either.client() as client:
        yield client


@pytest.fixture
def store(either: Serving) -> Iterator[JobStore]:
    store = JobStore(either.database, either.place / "nascale-service" / "jobs")
    yield store
    store.close()


def events(client: httpx.Client, job: str, **headers: str) -> list[tuple[str, int | None, dict[str, Any]]]:
    """(event, id, data) of a stream until it ends."""
    found = []
    with client.stream("GET", f"/v1/jobs/{job}/events", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            number = lines.get("id")
            found.append((lines["event"], None if number is None else int(number), json.loads(lines["data"])))
    return found


def test_a_job_is_submitted_shown_and_listed(client: httpx.Client) -> None:
    answer = client.post("/v1/jobs", json=REQUEST)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["kind"], job["state"], job["spec"], job["attempt"]) == ("search", "queued", SPEC, 0)
    assert answer.headers["location"] == job["links"]["self"]
    assert client.get(job["links"]["self"]).json() == job
    second = client.post("/v1/jobs", json=REQUEST).json()
    page = client.get("/v1/jobs", params={"limit": 1}).json()
    assert [one["id"] for one in page["items"]] == [second["id"]]
    rest = client.get("/v1/jobs", params={"limit": 1, "after": page["next"]}).json()
    assert [one["id"] for one in rest["items"]] == [job["id"]]
    assert rest["next"] is None
    assert client.get("/v1/jobs", params={"state": "running"}).json()["items"] == []


def test_twenty_clients_with_one_key_get_one_job(either: Serving, client: httpx.Client) -> None:
    barrier = threading.Barrier(20)

    def submit(_: int) -> httpx.Response:
        with either.client() as own:
            barrier.wait()
            return own.post("/v1/jobs", json=REQUEST, headers={"Idempotency-Key": "the-same"})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(submit, range(20)))
    assert sorted(one.status_code for one in answers) == [200] * 19 + [201]
    assert len({one.json()["id"] for one in answers}) == 1
    assert len(client.get("/v1/jobs").json()["items"]) == 1
    other = client.post(
        "/v1/jobs",
        json={"kind": "search", "spec": {**SPEC, "trials": 4, "seed": 1}},
        headers={"Idempotency-Key": "the-same"},
    )
    assert other.status_code == 409
    assert other.json()["differing"] == ["spec.seed", "spec.trials"]
    assert other.json()["job"] == answers[0].json()["id"]


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("search", {"data": "npz:/etc/passwd"}, "spec.data: no such name"),
        ("search", {"storage": "sqlite:////tmp/other.db"}, "storage"),
        ("search", {"table": "/etc/table.toml"}, "table"),
        ("search", {"space": "../../space.toml"}, "spec.space"),
        ("search", {"learn_from": "x@sqlite:////tmp/other.db"}, "learn_from"),
        ("search", {"ray_address": "evil.example:6379"}, "ray_address"),
        ("search", {"trials": 0}, "trials"),
        ("search", {"trails": 4}, "nearest: trials"),
        ("train", {"arch": "/etc/network.json"}, "spec.arch"),
        ("train", {"arch": "resnet18", "out": "/tmp/x"}, "out"),
        ("export", {"job": "../../etc"}, "job: wanted the id of a job"),
    ],
)
def test_what_a_client_may_not_say(
    client: httpx.Client, kind: str, change: dict[str, Any], said: str
) -> None:
    spec = change if kind != "search" else {**SPEC, **change}
    answer = client.post("/v1/jobs", json={"kind": kind, "spec": spec})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.get("/v1/jobs").json()["items"] == []


def test_a_full_queue_is_429(client: httpx.Client) -> None:
    assert [client.post("/v1/jobs", json=REQUEST).status_code for _ in range(41)] == [201] * 40 + [429]


def test_states_that_do_not_allow_it_are_409_and_strangers_404(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=REQUEST).json()["id"]
    assert client.delete(f"/v1/jobs/{job}").status_code == 409
    assert client.post(f"/v1/jobs/{job}/resume").status_code == 409
    cancelled = client.post(f"/v1/jobs/{job}/cancel", json={"mode": "stop"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert client.post(f"/v1/jobs/{job}/cancel", json={"mode": "stop"}).status_code == 409
    assert client.post(f"/v1/jobs/{job}/resume").json()["state"] == "queued"
    client.post(f"/v1/jobs/{job}/cancel", json={"mode": "kill"})
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    for path in ("", "/log", "/events"):
        assert client.get(f"/v1/jobs/{job}{path}").status_code == 404, path
    assert client.post(f"/v1/jobs/{job}/cancel", json={}).status_code == 404
    assert client.get("/v1/jobs/%00%2e%2e").status_code == 404


def test_followers_hear_everything_once_and_go_on_where_they_were(
    client: httpx.Client, store: JobStore
) -> None:
    job = client.post("/v1/jobs", json=REQUEST).json()["id"]
    for number in range(3):
        store.append_event(job, EventType.TRIAL, {"trial": number, "accuracy": 0.5})
    with ThreadPoolExecutor(3) as pool:
        streams = [pool.submit(events, client, job) for _ in range(3)]
        store.append_event(job, EventType.TRIAL, {"trial": 3, "accuracy": 0.5})
        client.post(f"/v1/jobs/{job}/cancel", json={"mode": "stop"})
        heard = [one.result() for one in streams]
    assert heard[0] == heard[1] == heard[2]
    numbers = [number for _, number, _ in heard[0]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [name for name, _, _ in heard[0]].count("trial") == 4
    assert heard[0][-1][0] == "end"
    assert all(data["sequence"] == number for _, number, data in heard[0])
    assert events(client, job, **{"Last-Event-ID": "3"}) == heard[0][3:]
    assert (
        client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": str(numbers[-1])}).status_code == 204
    )


def test_a_follower_of_what_is_gone_is_told_to_begin_anew(client: httpx.Client, store: JobStore) -> None:
    from sqlalchemy import text

    job = client.post("/v1/jobs", json=REQUEST).json()["id"]
    for number in range(5):
        store.append_event(job, EventType.TRIAL, {"trial": number})
    client.post(f"/v1/jobs/{job}/cancel", json={"mode": "stop"})
    with store.database.writing() as connection:
        connection.execute(text("DELETE FROM nascale_job_event WHERE number < 4"))
    heard = events(client, job, **{"Last-Event-ID": "1"})
    assert heard[0][0] == "reset"
    assert heard[1][1] == 4
    assert events(client, job, **{"Last-Event-ID": "999"})[0][0] == "reset"


def test_streams_beyond_the_limit_are_429_and_others_still_served(
    client: httpx.Client, either: Serving
) -> None:
    job = client.post("/v1/jobs", json=REQUEST).json()["id"]
    limits = httpx.Limits(max_connections=200)
    statuses, opened = [], []
    with httpx.Client(
        base_url=either.url, headers=client.headers, limits=limits, verify=False, timeout=30
    ) as many:
        for _ in range(60):
            answer = many.send(many.build_request("GET", f"/v1/jobs/{job}/events"), stream=True)
            statuses.append(answer.status_code)
            opened.append(answer)
        assert client.get("/v1/health").status_code == 200
        for answer in opened:
            answer.close()
    assert statuses == [200] * 20 + [429] * 40
    client.post(f"/v1/jobs/{job}/cancel", json={"mode": "stop"})
    assert events(client, job)[-1][0] == "end"  # places are free again


def test_a_log_comes_in_pieces(client: httpx.Client, store: JobStore) -> None:
    job = client.post("/v1/jobs", json=REQUEST).json()["id"]
    assert client.get(f"/v1/jobs/{job}/log").text == ""
    path: Path = store.log_path(job)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<b>one</b>\n" + bytes(2 * 2**20))
    first = client.get(f"/v1/jobs/{job}/log", params={"limit": 11})
    assert first.text == "<b>one</b>\n"
    assert first.headers["content-type"].startswith("text/plain")
    rest = client.get(f"/v1/jobs/{job}/log", params={"offset": first.headers["next-offset"]})
    assert len(rest.content) == 2**20
    assert client.get(f"/v1/jobs/{job}/log", params={"offset": 3 * 2**20}).status_code == 416
    place = str(path.parent.parent.parent)
    path.write_text(f"written to {place}/out\n")
    hidden = client.get(f"/v1/jobs/{job}/log")
    assert hidden.text == f"written to {len(place) * '*'}/out\n"
    assert int(hidden.headers["next-offset"]) == path.stat().st_size
    assert client.get(f"/v1/jobs/{job}/log", params={"limit": 2**20 + 1}).status_code == 422
