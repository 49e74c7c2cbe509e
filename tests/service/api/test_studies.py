"""Studies over HTTP: the same tables as from the command line, in pages and forms."""

from __future__ import annotations

import io
import random
from pathlib import Path
from urllib.parse import quote

import httpx
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from results import frame
from space.codec import to_dict
from space.spaces import space
from tests.databases import Server
from tests.service.api.conftest import STRANGE, TRIALS, idle_service
from tests.service.api.serving import Serving


def test_health_says_the_version(client: httpx.Client) -> None:
    answer = client.get("/v1/health")
    assert answer.json() == {"version": "0.1.0", "ready": True}
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_studies_come_in_pages(client: httpx.Client) -> None:
    first = client.get("/v1/studies", params={"limit": 1}).json()
    assert [one["study"] for one in first["items"]] == ["digits"]
    second = client.get("/v1/studies", params={"limit": 1, "after": first["next"]}).json()
    assert [one["study"] for one in second["items"]] == [STRANGE]
    assert second["next"] is None


def test_trials_come_in_pages_that_name_the_next(client: httpx.Client) -> None:
    numbers, after = [], None
    while True:
        page = client.get("/v1/studies/digits/trials", params={"after": after} if after else {})
        document = page.json()
        assert len(document["items"]) <= 200
        assert ("next" in page.links) == (document["next"] is not None)
        numbers += [row["number"] for row in document["items"]]
        after = document["next"]
        if after is None:
            break
    assert numbers == list(range(TRIALS))


def test_the_front_is_that_of_the_command_line(client: httpx.Client, served: Serving) -> None:
    expected = frame.front("digits", served.database)
    items = client.get("/v1/studies/digits/front").json()["items"]
    assert [row["number"] for row in items] == list(expected["number"])
    assert [row["accuracy"] for row in items] == list(expected["accuracy"])
    assert list(items[0]) == list(expected.columns)
    other = client.get("/v1/studies/digits/front", params={"x": "params", "where": "macs < 1M"}).json()[
        "items"
    ]
    assert all(row["macs"] < 1e6 for row in other)


@pytest.mark.parametrize("by", ["format", "accept"])
def test_forms_are_chosen_by_query_or_header(by: str, client: httpx.Client, served: Serving) -> None:
    expected = frame.front("digits", served.database)

    def get(name: str, media_type: str) -> httpx.Response:
        headers = {"accept": f"text/html;q=0.1, {media_type}"} if by == "accept" else {}
        answer = client.get(
            "/v1/studies/digits/front", params={"format": name} if by == "format" else {}, headers=headers
        )
        assert answer.headers["content-type"].partition(";")[0] == media_type
        return answer

    parquet = pd.read_parquet(io.BytesIO(get("parquet", "application/vnd.apache.parquet").content))
    assert_frame_equal(parquet, expected, check_freq=False)
    csv = get("csv", "text/csv").text
    assert csv.splitlines()[0] == ",".join(expected.columns)
    assert len(csv.splitlines()) == len(expected) + 1


def test_a_form_that_is_not_there_is_refused(client: httpx.Client) -> None:
    assert client.get("/v1/studies/digits/front", headers={"accept": "image/png"}).status_code == 406
    assert client.get("/v1/studies/digits/front", params={"format": "xml"}).status_code == 422


def test_names_may_hold_anything(client: httpx.Client) -> None:
    name = quote(STRANGE, safe="")
    assert client.get(f"/v1/studies/{name}").json()["study"] == STRANGE
    assert len(client.get(f"/v1/studies/{name}/trials").json()["items"]) == 5
    report = client.get(f"/v1/studies/{name}/report")
    assert STRANGE not in report.text
    assert "&lt;img src=x" in report.text
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts")


def test_an_unknown_study_is_404_with_the_nearest(client: httpx.Client) -> None:
    for path in ("", "/trials", "/front", "/report", "/trials/1"):
        answer = client.get(f"/v1/studies/digitz{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == 404
        assert problem["nearest"] == ["digits"]
        assert problem["detail"].startswith("study: no such name 'digitz' (nearest: digits")


def test_a_trial_has_its_network(client: httpx.Client) -> None:
    found = client.get("/v1/studies/digits/trials/3").json()
    assert found["row"]["number"] == 3
    profile = client.post("/v1/profile", json={"architectures": [found["architecture"], "digits:3"]}).json()
    assert {one["key"] for one in profile["items"]} == {found["row"]["key"]}
    gone = client.get(f"/v1/studies/digits/trials/{TRIALS}")
    assert gone.status_code == 404
    assert f"a number up to {TRIALS - 1}" in gone.json()["detail"]


def test_a_wrong_filter_names_itself(client: httpx.Client) -> None:
    answer = client.get("/v1/studies/digits/trials", params={"where": "macs <"})
    assert answer.status_code == 422
    assert len(answer.json()["detail"].splitlines()) == 1


ASKED = (
    "studies",
    "studies/digits",
    "studies/digits/trials",
    "studies/digits/trials?where=macs<1M&limit=20",
    "studies/digits/trials/3",
    "studies/digits/front",
    "studies/digits/front?x=params&format=csv",
    f"studies/{quote(STRANGE, safe='')}/trials",
)


def test_either_database_gives_the_same_answers(tmp_path: Path, postgresql: tuple[Server, str]) -> None:
    here, there = f"sqlite:///{tmp_path / 'store.db'}", postgresql[1]
    with (
        idle_service(tmp_path / "a", here) as a,
        idle_service(tmp_path / "b", there) as b,
        a.client() as one,
        b.client() as other,
    ):
        for asked in ASKED:
            answer = other.get(f"/v1/{asked}")
            assert (answer.status_code, answer.text) == (200, one.get(f"/v1/{asked}").text), asked


def test_a_proposed_network_becomes_a_trial_and_a_job(either: Serving) -> None:
    with either.client() as client:
        path, asked = "/v1/studies/digits/trials", {"architecture": "mobilenet_v2@width=0.25,resolution=32"}
        answer = client.post(path, json=asked)
        assert answer.status_code == 202, answer.text
        found = answer.json()
        assert (found["number"], found["member"]) == (TRIALS, False)
        assert (found["job"]["kind"], found["job"]["study"]) == ("search", "digits")
        assert (found["job"]["spec"]["trials"], found["job"]["spec"]["data"]) == (TRIALS + 1, "digits")
        trial = client.get(f"{path}/{TRIALS}").json()
        assert (trial["row"]["status"], trial["row"]["key"]) == ("waiting", found["key"])
        again = client.post(path, json=asked)
        assert (again.status_code, again.json()["number"]) == (409, TRIALS)
        mixed = space("mixed", resolution=16, in_channels=1)
        member = mixed.decode(mixed.sample(random.Random(5)))
        told = client.post(path, json={"architecture": to_dict(member)}).json()
        assert (told["number"], told["key"], told["member"]) == (TRIALS + 1, member.key, True)
        over = client.post(path, json={"architecture": "resnet18@resolution=64"})
        assert over.status_code == 422
        assert "at most 5,000,000 macs" in over.json()["detail"]
        assert client.post(path, json={"architecture": "/etc/x.json"}).status_code == 422
        assert client.post("/v1/studies/digitz/trials", json=asked).status_code == 404
