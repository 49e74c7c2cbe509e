"""Costs, spaces and families over HTTP."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

import httpx
import pytest

from service.api.context import Context
from service.api.routes.costs import SpaceRequest, profile_space
from service.serving import application
from service.settings import read_settings
from tests.results.test_training_speed import TRAINED, store
from tests.service.api.serving import TOKEN, Serving, in_thread


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
    assert (one["hours_rate"], two["hours_rate"]) == ("fixed", "fixed")


def test_hours_go_by_what_trainings_took_on_this_machine(tmp_path: Path) -> None:
    here = f"{os.uname().nodename}:71"
    settings = read_settings(
        storage=f"sqlite:///{tmp_path / 'store.db'}", folder=tmp_path / "service", token=TOKEN
    )
    service = Context.of(settings, TOKEN)
    look = {"height": 8, "width": 8, "channels": 1, "classes": {}, "splits": {"train": {"images": 1000}}}
    service.images._looks["digits"] = look | {"classes": dict.fromkeys("0123456789")}
    asked = SpaceRequest(
        spec={"data": "digits", "space": "mixed", "trials": 36, "epochs": 4, "workers": 2}, samples=20
    )
    assert profile_space(service, asked).hours_rate == "fixed"
    store(
        settings.storage, "one", *(TRAINED.replace(worker=here, seconds=seconds) for seconds in (1, 10, 100))
    )
    service.studies.forget()
    found = profile_space(service, asked)
    assert (found.hours_rate, "the median of 3 trainings here" in found.hours_basis) == ("measured", True)
    # 5e-9 s per MAC, image and epoch are 2e-5 s per MAC of each training, of which each worker has 18.
    (macs,) = (row["median"] for row in found.costs if row["cost"] == "macs")
    assert isinstance(macs, (int, float))
    assert found.hours == pytest.approx(18 * 2e-5 * macs / 3600)
    service.jobs.close()


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


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
def test_coefficients_beyond_which_a_family_takes_long_are_refused(client: httpx.Client, name: str) -> None:
    asked = {"architecture": "mobilenet_v2@resolution=64,classes=10", "budgets": ["40M"]}
    for value, wanted in ((2.0, 200), (2.01, 422)):
        assert client.post("/v1/families", json={**asked, name: value}).status_code == wanted


def test_those_who_wait_to_compute_keep_nobody_else_waiting(tmp_path: Path) -> None:
    settings = read_settings(storage=f"sqlite:///{tmp_path / 'store.db'}", folder=tmp_path, token=TOKEN)
    context = Context.of(settings, TOKEN)
    asked = {"architecture": "mobilenet_v2@resolution=32", "budgets": ["7M"]}
    with (
        in_thread(application(context)) as url,
        Serving(url, tmp_path).client() as client,
        ThreadPoolExecutor(60) as many,
    ):
        with context.computing():
            answers = [many.submit(client.post, "/v1/families", json=asked) for _ in range(60)]
            refused = [one.result().status_code for one in islice(as_completed(answers), 52)]
            assert client.get("/v1/jobs").status_code == 200
        assert refused == [429] * 52
        assert sorted(one.result().status_code for one in answers) == [200] * 8 + [429] * 52
    context.jobs.close()
