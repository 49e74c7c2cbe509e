"""Optuna's dashboard behind the guard: it reads, and writes nothing."""

from __future__ import annotations

import re

import httpx
import pytest

from service.dashboard import PATHS
from tests.service.api.conftest import STRANGE, TRIALS


def test_its_page_and_what_that_asks_for_are_there(client: httpx.Client) -> None:
    page = client.get("/dashboard")
    script = re.findall(r'src="([^"]+)"', page.text)[0]
    assert client.get(script).status_code == 200
    studies = client.get("/api/studies").json()["study_summaries"]
    assert [one["study_name"] for one in studies] == ["digits", STRANGE]
    detail = client.get(f"/api/studies/{studies[0]['study_id']}?after=0").json()
    assert len(detail["trials"]) == TRIALS
    assert client.get(f"/csv/{studies[0]['study_id']}").text.startswith("Number,State")
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(client: httpx.Client, method: str) -> None:
    for path in (
        "/api/studies",
        "/api/studies/1",
        "/api/studies/1/rename",
        "/api/trials/1/tell",
        "/dashboard",
    ):
        assert (
            client.request(method, path, json={"study_name": "x", "directions": ["minimize"]}).status_code
            == 405
        )
    assert len(client.get("/api/studies").json()["study_summaries"]) == 2


@pytest.mark.parametrize("path", PATHS)
def test_strangers_see_nothing_of_it(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
