"""A service with something on every page: studies, jobs in several states, a model with its export. Nothing is trained."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import optuna
import pytest

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

import httpx
import uvicorn

from evaluators.export.certificate import Certificate, Row
from evaluators.trained.run_folder import Preprocessing, TrainedRun
from results.attributes import named
from results.frame import front
from results.verified import SUMMARY
from service.api.access import COOKIE
from service.api.context import Context
from service.jobs.commands import RESULT
from service.jobs.job import JobKind
from service.jobs.subjects import OUT
from service.serving import application
from service.settings import read_settings
from space.zoo import architecture
from tests import factories
from tests.service.web.page import Site

optuna.logging.set_verbosity(optuna.logging.WARNING)
TOKEN = "a token for tests, as long as it takes"
STRANGE = '<img src=x onerror=alert(1)>/../"&%2F'
ONNX = b"not really a graph, but the bytes count"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("site")
    url = factories.sqlite_study(place / "store.db", 40, seed=3)
    factories.sqlite_study(place / "store.db", 6, name=STRANGE)
    factories.sqlite_study(place / "store.db", 0, name="empty")
    factories.sqlite_study(place / "store.db", 4, name="failed", fates={1: "failed"})
    _verify(url)
    context = Context.of(read_settings(storage=url, folder=place / "service", token=TOKEN), TOKEN)
    jobs = _jobs(context)
    # Certificates of others take 0.1 s to load.
    with (
        running(application(context)) as url,
        httpx.Client(base_url=url, cookies={COOKIE: context.key.cookie}, timeout=60, verify=False) as client,
    ):
        yield Site(url, client, context, jobs)


@contextmanager
def running(app: Any) -> Iterator[str]:
    """The address of ``app``, which runs in a thread until the block ends. Its lifespan does not: no job is begun."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _verify(url: str) -> None:
    """The study digits as a verification of its two best networks leaves it."""
    figures = [
        {"verified_accuracy": value, "verified_low": value - 0.05, "verified_high": value + 0.05,
         "probability_best": share, "verified_seeds": 3}
        for value, share in ((0.8, 0.7), (0.78, 0.3))
    ]  # fmt: skip
    keys = front("digits", url)["key"].tolist()[:2]
    summary = {
        "networks": dict(zip(keys, figures, strict=True)), "seeds": [1, 2, 3], "deviation": 0.0123, "luck": 0.02
    }  # fmt: skip
    study = optuna.load_study(study_name="digits", storage=url)
    for name, value in named({SUMMARY: summary}).items():
        study.set_user_attr(name, value)


def _jobs(context: Context) -> dict[str, str]:
    """Jobs by what they are here, with what their processes would have left."""
    store = context.jobs
    found = {
        "search": submitted(context, JobKind.SEARCH, {"data": "digits"}, "running", study="digits"),
        "failed": submitted(
            context, JobKind.SEARCH, {"data": "<b>gone</b>"}, "failed", why="data: no such name '<b>gone</b>'"
        ),
        "train": submitted(
            context, JobKind.TRAIN, {"arch": {"study": "digits", "trial": 3}, "epochs": 4}, "succeeded"
        ),
        "check": submitted(context, JobKind.BENCH, {"bench": "proxies", "study": "digits"}, "succeeded"),
        "queued": submitted(context, JobKind.VERIFY, {"study": STRANGE}, "queued", study=STRANGE),
    }
    found["export"] = submitted(context, JobKind.EXPORT, {"job": found["train"]}, "succeeded")
    store.folder_of(found["search"]).mkdir(parents=True)
    store.log_path(found["search"]).write_text("trial 0 ok\n<script>alert(2)</script>\n")
    _trained(store.folder_of(found["train"]) / OUT)
    _exported(store.folder_of(found["export"]) / OUT)
    check = store.folder_of(found["check"])
    check.mkdir(parents=True)
    (check / RESULT).write_text(json.dumps([_proxy("train:epochs=3", 0.81, 0.3), _proxy("macs", 0.5, None)]))
    return found


def submitted(
    context: Context,
    kind: JobKind,
    spec: dict[str, Any],
    state: str,
    *,
    study: str | None = None,
    why: str | None = None,
) -> str:
    """The id of a new job in that state, of which no process knows."""
    from sqlalchemy import text

    job, _ = context.jobs.submit(kind, spec, study=study)
    with context.jobs.database.writing() as connection:
        connection.execute(
            text("UPDATE nascale_job SET state = :state, why = :why, attempt = 1 WHERE id = :id"),
            {"state": state, "why": why, "id": job.id},
        )
    return job.id


def _trained(folder: Path) -> None:
    folder.mkdir(parents=True)
    network = architecture("mobilenet_v2@resolution=32,classes=3")
    TrainedRun(
        folder=folder,
        architecture=network,
        classes=("cat", "dog", "owl"),
        preprocessing=Preprocessing(resolution=32, mean=(0.5,) * 3, std=(0.2,) * 3),
        spec={"epochs": 4},
        data={"text": "digits"},
        described={"shape": [32, 32, 3]},
        provenance={},
        metrics={"epoch": 3, "accuracy": 0.75},
        finished=True,
        tests=(
            {"accuracy": 0.7, "low": 0.6, "high": 0.8, "balanced_accuracy": 0.69, "images": 120}
            | {
                "confusion": {
                    "classes": ["cat", "dog", "owl"],
                    "counts": [[31, 9, 0], [8, 27, 5], [1, 13, 26]],
                }
            },
        ),
    ).write()
    rows = [f"{e},{e}.5,0.1,{2 / e},{2.2 / e},{1 - 1 / (e + 1)},0.5,,,,100" for e in range(1, 5)]
    head = (
        "epoch,seconds,learning_rate,train_loss,validation_loss,accuracy,balanced_accuracy,average_loss,"
        "average_accuracy,average_balanced_accuracy,images_per_second"
    )
    (folder / "metrics.csv").write_text("\n".join([head, *rows]) + "\n")


def _exported(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(ONNX)
    (folder / "README.md").write_text("# A card\n")
    onnx = Row(
        format="onnx", description="an ONNX graph", files={"model.onnx": sha256(ONNX).hexdigest()}, bytes=len(ONNX),
        images=50, same_class=50, logit_difference=2e-6, validation_accuracy=0.75, latency_seconds=1e-3,
    )  # fmt: skip
    certificate = Certificate(
        name="x", weights="0" * 64, input="uint8", split="test", photos=50, validation_images=60, threads=1,
        rows=(Row(format="nascale", images=50, same_class=50, logit_difference=0.0), onnx),
    )  # fmt: skip
    (folder / "certificate.json").write_text(json.dumps(certificate.to_json()))


def _proxy(name: str, spearman: float, gain: float | None) -> dict[str, Any]:
    return {
        "proxy": name, "architectures": 12, "spearman": spearman, "spearman_low": spearman - 0.2,
        "spearman_high": spearman + 0.1, "gain": gain, "gain_low": gain and gain - 0.1, "gain_high": gain and gain + 0.1,
        "kendall": spearman - 0.1, "top_overlap": 0.5, "noise_spearman": None, "seconds": 1.0, "failures": 0,
    }  # fmt: skip
