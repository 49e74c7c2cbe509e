"""A small whole way through a service: nothing that a client can get names the owner's folders, nor the place of the storage."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

from tests.service.api.serving import TOKEN, Serving, serving
from tests.service.web.page import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
OWNER = "the-owners-own-folder"
SEARCH = {"trials": 2, "epochs": 1, "workers": 0, "stock": "none", "repeats": 0, "max_macs": "400K"}


def draw(folder: Path) -> None:
    """Two classes of pictures, bright and dark."""
    rng = np.random.default_rng(0)
    for name, level in (("bright", 190), ("dark", 60)):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            pixels = np.clip(rng.normal(level, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def archive(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for one in sorted(folder.rglob("*.png")):
            file.write(one, one.relative_to(folder).as_posix())
    return packed.getvalue()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    place = tmp_path_factory.mktemp("whole-way") / OWNER
    draw(place / "photos")
    draw(place / "broken")
    (place / "broken" / "dark" / "3.png").write_bytes(b"no picture")
    sources = [f"--data=photos=folder:{place}/photos", f"--data=broken=folder:{place}/broken"]
    storage = f"sqlite:///{place / 'store.db'}"
    with serving(place, "--storage", storage, *sources, NASCALE_CACHE=f"{place}/cache") as found:
        yield found


def ended(client: httpx.Client, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A job of that kind, once it has ended."""
    answer = client.post("/v1/jobs", json={"kind": kind, "spec": spec})
    assert answer.status_code == 201, answer.text
    while True:
        job: dict[str, Any] = client.get(f"/v1/jobs/{answer.json()['id']}").json()
        if job["state"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.5)


def contents(answer: httpx.Response) -> Iterator[bytes]:
    """What an answer tells: its headers and its body, and where that is an archive what is in it."""
    yield repr(answer.headers.multi_items()).encode()
    yield answer.content
    if zipfile.is_zipfile(io.BytesIO(answer.content)):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
            yield from (file.read(name) for name in file.namelist())


def test_no_answer_names_the_owners_folders(served: Serving) -> None:
    told: dict[str, httpx.Response] = {}
    jobs: dict[str, dict[str, Any]] = {}
    with served.client() as client:
        client.timeout = httpx.Timeout(300)
        upload = client.post("/v1/data", files={"file": ("a.zip", archive(served.place / "photos"))})
        assert upload.status_code == 201, upload.text
        jobs["search"] = ended(client, "search", {**SEARCH, "data": "photos", "study": "owned"})
        jobs["of an upload"] = ended(
            client, "search", {**SEARCH, "data": upload.json()["id"], "trials": 1, "study": "uploaded"}
        )
        arch = {"arch": {"study": "owned", "trial": 0}, "epochs": 1, "threads": 1}
        jobs["train"] = ended(client, "train", arch)
        jobs["export"] = ended(client, "export", {"job": jobs["train"]["id"], "force": True})
        assert {name: job["state"] for name, job in jobs.items()} == dict.fromkeys(jobs, "succeeded")
        jobs["broken"] = ended(client, "search", {**SEARCH, "data": "broken", "study": "broken"})
        jobs["not exported"] = ended(
            client, "train", {**arch, "epochs": 1, "resolution": 17, "batch_size": 3}
        )

        refused = [
            client.post("/v1/jobs", json={"kind": kind, "spec": spec})
            for kind, spec in (
                ("search", {"data": "gone"}),
                ("search", {"data": "photos", "space": "nowhere"}),
                ("search", {"data": "photos", "max_macs": "1"}),
                ("train", {"arch": {"study": "none", "trial": 0}}),
                ("train", {"arch": {"study": "owned", "trial": 99}}),
                ("export", {"job": jobs["search"]["id"]}),
                ("verify", {"study": "none"}),
                ("bench", {"bench": "samplers", "table": "photos"}),
            )
        ]
        told |= {f"refused {number}": one for number, one in enumerate(refused)}
        told["upload"] = client.post("/v1/data", files={"file": ("a.zip", b"PK\3\4 no archive")})
        told["broken images"] = client.get("/v1/data/broken")
        told["proposal"] = client.post("/v1/studies/owned/trials", json={"architecture": "resnet18"})
        told["profile"] = client.post("/v1/spaces/profile", json={"spec": {"data": "broken"}})
        ahead = [
            "/v1/openapi.json",
            "/v1/data",
            "/v1/data/photos",
            f"/v1/data/{upload.json()['id']}",
            "/v1/jobs",
        ]
        ahead += ["/v1/studies", "/api/studies", "/api/studies/1?after=0", "/csv/1", "/"]
        for study in ("owned", "uploaded"):
            ahead += [f"/v1/studies/{study}{rest}" for rest in ("", "/report", "/front", "/trials/0")]
            ahead += [f"/v1/studies/{study}/trials?format={form}" for form in ("json", "csv", "parquet")]
        for job in jobs.values():
            ahead += [f"/v1/jobs/{job['id']}{rest}" for rest in ("", "/log", "/events")]
            ahead += [f"/v1/artifacts/{one['sha256']}" for one in job["artifacts"]]
        client.post("/login", data={"token": TOKEN})
        while ahead:
            path = ahead.pop()
            if path in told:
                continue
            told[path] = answer = client.get(path, follow_redirects=True)
            if "text/html" in answer.headers.get("content-type", "") and "/report" not in path:
                ahead += Page.of(answer).links()
    names = {one["name"] for job in jobs.values() for one in job["artifacts"]}
    assert {"passport.json", "README.md", "model.onnx", "certificate.json"} <= names
    assert {f"/models/{jobs['train']['id']}", "/studies/owned/trust", "/jobs"} <= set(told)
    leaks = [
        (path, content[max(0, at - 200) : at + 60])
        for path, answer in told.items()
        for content in contents(answer)
        if (at := content.find(OWNER.encode())) >= 0
    ]
    assert leaks == []
