"""Costs, spaces and families over HTTP."""

from __future__ import annotations

import httpx
import pytest


def test_profile_gives_published_figures(client: httpx.Client) -> None:
    answer = client.post("/v1/profile", json={"architectures": ["efficientnet_b0", "mobilenet_v2"]})
    b0, v2 = answer.json()["items"]
    assert (b0["params"], b0["macs"]) == (5_288_548, 385_814_752)
    assert v2["params"] == 3_504_872


@pytest.mark.parametrize(
    ("arch", "said"),
    [
        ("efficientnet_b00", "nearest: efficientnet_b0"),
        ("/etc/passwd.json", "no file"),
        ("../x.JSON", "no file"),
        ("digits:9999", "a number from 0 to"),
        ({"format": 1}, "ARCH"),
    ],
)
def test_what_names_no_architecture_is_refused(client: httpx.Client, arch: object, said: str) -> None:
    answer = client.post("/v1/profile", json={"architectures": [arch]})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_space_says_its_size_its_shares_and_the_hours(client: httpx.Client) -> None:
    spec = {"data": "digits", "space": "mixed", "max_macs": "0.5M", "trials": 60}
    one = client.post("/v1/spaces/profile", json={"spec": spec, "samples": 50}).json()
    assert one["size"] > 10**6
    assert 0 < one["shares"]["max_macs"] < 1
    two = client.post("/v1/spaces/profile", json={"spec": {**spec, "trials": 120}, "samples": 50}).json()
    assert two["hours"] == pytest.approx(2 * one["hours"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_macs": "many"}, "max-macs: wanted a positive number"),
        ({"data": "digitz"}, "nearest: digits"),
        ({"data": "npz:/etc/passwd"}, "no such name"),
        ({"space": "/etc/space.toml"}, "space"),
        ({"storage": "sqlite:////tmp/x.db"}, "storage"),
        ({"table": "x.toml"}, "table"),
        ({"max_macs": "10"}, "max_macs"),
    ],
)
def test_a_spec_that_is_not_the_clients_to_write(
    client: httpx.Client, change: dict[str, str], said: str
) -> None:
    answer = client.post("/v1/spaces/profile", json={"spec": {"data": "digits", **change}})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_family_keeps_to_its_budgets(client: httpx.Client) -> None:
    answer = client.post("/v1/families", json={"architecture": "digits:0", "budgets": ["1M", 2e6]})
    assert [row["macs"] <= row["budget"] for row in answer.json()["items"]] == [True, True]
    assert answer.json()["items"][0]["architecture"]["stages"]


def test_a_budget_that_nothing_meets_names_the_least_there_is(client: httpx.Client) -> None:
    answer = client.post("/v1/families", json={"architecture": "efficientnet_b0", "budgets": ["0.1M"]})
    assert answer.status_code == 422
    assert "wanted at least 132,032 macs" in answer.json()["detail"]
