"""Which cluster is joined, with which token; and what is said where that cannot be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import ray
from ray.core.generated.gcs_service_pb2 import CheckAliveReply
from ray.core.generated.gcs_service_pb2_grpc import (
    NodeInfoGcsServiceServicer,
    add_NodeInfoGcsServiceServicer_to_server,
)

from evaluators.pools import ray_address
from evaluators.pools.ray_address import found, token_here, variables_for
from space.errors import InputError


class Head(NodeInfoGcsServiceServicer):
    """Answers as a cluster's head does that asks for a token, or for none."""

    def __init__(self, token: str | None, version: str) -> None:
        self.token, self.version = token, version

    def CheckAlive(self, request: Any, context: grpc.ServicerContext) -> CheckAliveReply:
        shown = dict(context.invocation_metadata()).get("authorization")
        if self.token is not None and shown != f"Bearer {self.token}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken")
        return CheckAliveReply(ray_version=self.version)


@pytest.fixture
def head(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a head with the token and the version of Ray that the test asks for."""
    token, version = request.param
    server = grpc.server(ThreadPoolExecutor(2))
    add_NodeInfoGcsServiceServicer_to_server(Head(token, version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a token."""
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("head", [(None, ray.__version__)], indirect=True)
def test_a_cluster_that_asks_for_no_token_is_shown_none(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert variables_for(head) == {"RAY_AUTH_MODE": "disabled"}


@pytest.mark.parametrize("head", [("secret", ray.__version__)], indirect=True)
def test_a_cluster_that_asks_for_a_token_is_shown_the_one_that_is_here(
    head: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        InputError, match=r"ray_address: wanted for 127.* token in RAY_AUTH_TOKEN, .*got None"
    ):
        variables_for(head)
    (home / ".ray").mkdir()
    kept = home / ".ray" / "auth_token"
    kept.write_text("other\n")
    with pytest.raises(
        InputError, match=r"`ray get-auth-token` prints it .*got 'another one, of .*auth_token'"
    ) as no:
        variables_for(head)
    assert "other\n" not in str(no.value) and "secret" not in str(no.value)
    kept.write_text("secret\n")
    assert variables_for(head) == {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "secret"}
    monkeypatch.setenv("RAY_AUTH_TOKEN", "newer")
    assert (token := token_here()) is not None and token.place == "RAY_AUTH_TOKEN"
    assert "newer" not in repr(token)


@pytest.mark.parametrize("head", [(None, "1.0.0")], indirect=True)
def test_a_cluster_of_another_ray_is_refused(head: str) -> None:
    with pytest.raises(
        InputError, match=rf"a cluster of Ray {ray.__version__}, as here, got .* of Ray 1.0.0"
    ):
        variables_for(head)


def test_an_address_where_nothing_or_something_else_answers_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match=r"ray_address: wanted a running Ray cluster, got '127.0.0.1:1 "):
        variables_for("127.0.0.1:1")
    for wrong in ("", "nowhere", ":6379", "a:0", "a:65536", "a:0000012345678", "a:x"):
        with pytest.raises(InputError, match="ray_address: wanted auto, HOST:PORT or ray://HOST:PORT"):
            variables_for(wrong)
    monkeypatch.setattr(ray_address, "_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(InputError, match=r"nothing there answers as Ray does: DEADLINE_EXCEEDED"):
            variables_for(address)


def test_auto_is_the_cluster_of_this_machine_and_never_another_run_s_local_ray(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ray._private.utils.read_ray_address", lambda folder: None)
    running: set[str] = {"127.0.0.1:4000"}
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", lambda: running)
    with pytest.raises(InputError, match=r"that this machine is part of \(`ray start`\), or the HOST:PORT"):
        found("auto")
    running.add("10.0.0.1:6379")
    assert found("auto") == "10.0.0.1:6379"
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.2:6379")
    assert found("auto") == "10.0.0.2:6379"
    assert found("10.0.0.3:6379") == "10.0.0.3:6379"
