"""The Python client beside the local API: the same values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

import nascale
from nascale.cli import run
from nascale.client import ServiceError
from space.codec import to_dict
from tests.service.api.conftest import STRANGE
from tests.service.api.serving import TOKEN, Serving
from tests.service.api.test_images import pictures


@pytest.fixture
def there(served: Serving) -> Iterator[nascale.Client]:
    with nascale.Client(served.url, TOKEN) as client:
        yield client


@pytest.mark.parametrize("study", ["digits", STRANGE])
def test_frames_are_those_of_the_local_api(there: nascale.Client, served: Serving, study: str) -> None:
    storage = served.database
    for remote, local in (
        (there.trials(study), nascale.trials(study, storage)),
        (there.front(study), nascale.front(study, storage)),
        (there.front(study, x="params"), nascale.front(study, storage, x="params")),
    ):
        assert_frame_equal(remote, local, check_freq=False)
        assert remote.attrs == local.attrs


def test_costs_and_networks_are_those_of_the_local_api(there: nascale.Client, served: Serving) -> None:
    assert there.profile("efficientnet_b0", batch=8) == nascale.profile("efficientnet_b0", batch=8)
    network = there.architecture("digits", 3)
    local = nascale.architecture("digits:3", served.database)
    assert to_dict(network) == to_dict(local.replace(name=network.name))
    assert there.profile(network) == nascale.profile(network)


def test_studies_and_images(there: nascale.Client, tmp_path: Path) -> None:
    assert [row["study"] for row in there.studies()] == ["digits", STRANGE]
    file = tmp_path / "mine.zip"
    file.write_bytes(pictures(classes=3))
    found = there.upload(file, "mine")
    assert found["summary"]["images"] == 36
    assert found["id"] in [one["id"] for one in there.images()]


def test_errors_are_those_of_the_local_api(there: nascale.Client, served: Serving) -> None:
    with pytest.raises(nascale.InputError, match="study: no such name 'digitz'") as caught:
        there.front("digitz")
    assert caught.value.nearest == ("digits",)  # type: ignore[attr-defined]
    with pytest.raises(nascale.InputError, match="nearest: trials"):
        there.submit("search", {"trails": 3})
    with pytest.raises(nascale.InputError, match="--max-macs: wanted a budget on the network"):
        there.auto("digits", within="10min")
    with (
        nascale.Client(served.url, "wrong") as stranger,
        pytest.raises(ServiceError, match="token") as refused,
    ):
        stranger.studies()
    assert refused.value.status == 401


def test_a_service_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_TOKEN", raising=False)
    assert run(["--server", "http://127.0.0.1:9", "search"]) == 2
    assert "NASCALE_TOKEN: wanted the token" in capsys.readouterr().err
    monkeypatch.setenv("NASCALE_TOKEN", TOKEN)
    for arguments, status, said in (
        (["--server", "http://127.0.0.1:9", "search"], 1, "server: wanted an answer from http://127.0.0.1:9"),
        (["--server", "127.0.0.1:9", "search"], 2, "server: wanted a URL"),
        (["--server", "http://127.0.0.1:9", "front", "x"], 2, "--server: wanted the command search"),
        (["--server", "http://127.0.0.1:9", "search", "--storage", "x.db"], 2, "storage: wanted none"),
    ):
        assert run(arguments) == status
        assert said in capsys.readouterr().err
