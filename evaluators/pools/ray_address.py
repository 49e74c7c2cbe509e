"""What stands at the address of a Ray cluster, asked before it is joined.

Ray itself tries for twenty seconds, and then does not say what it lacks. A cluster that was started where a token is
(``~/.ray/auth_token``) lets nobody in without it; that one is shown where there is one here.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from space.errors import InputError

_SECONDS = 10.0
_ARGUMENT = "ray_address"
_CLUSTER = "a running Ray cluster"
_LOOPBACK = ("127.", "localhost:", "[::1]:")
_PLACES = "RAY_AUTH_TOKEN, the file of RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token"
_TOKEN = f"the cluster's token in {_PLACES} (`ray get-auth-token` prints it on the cluster's head)"


@dataclass(frozen=True)
class Token:
    """A secret, and where it was found."""

    secret: str
    place: str

    def __repr__(self) -> str:
        return f"Token(place={self.place!r})"


def token_here() -> Token | None:
    """The token that is kept for Ray on this machine, where Ray looks for it too; None if there is none."""
    if secret := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return Token(secret, "RAY_AUTH_TOKEN")
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(named) if named else Path.home() / ".ray" / "auth_token"
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeError):
        secret = ""
    return Token(secret, str(file)) if secret else None


def check_address(address: str) -> None:
    """Raises InputError if nothing listens at ``host:port``: Ray itself would wait for more than a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 2**16:
        raise InputError.of(_ARGUMENT, "auto, HOST:PORT or ray://HOST:PORT", address)
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except (OSError, UnicodeError) as error:
        raise InputError.of(_ARGUMENT, _CLUSTER, f"{address} ({error})") from None


def variables_for(address: str) -> dict[str, str]:
    """The environment in which Ray joins the cluster at ``address``: with the token, where it asks for one.

    Raises InputError that says what is missing: the cluster, the token, the right one, the same Ray.
    """
    import ray

    check_address(address)
    if address.startswith("ray://"):
        return {}  # Ray's proxy says itself what it lacks
    version = _version(address, None)
    if version is not None:
        variables = {"RAY_AUTH_MODE": "disabled"}
    else:
        token = token_here()
        if token is None:
            raise InputError.of(_ARGUMENT, f"for {address} {_TOKEN}", None)
        version = _version(address, token)
        if version is None:
            raise InputError.of(_ARGUMENT, f"for {address} {_TOKEN}", f"another one, of {token.place}")
        variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token.secret}
    if version != ray.__version__:
        raise InputError.of(
            _ARGUMENT, f"a cluster of Ray {ray.__version__}, as here", f"{address} of Ray {version}"
        )
    return variables


def found(address: str) -> str:
    """The address, where it is ``auto`` that of the cluster which this machine is part of.

    Raises InputError where there is none. The local Rays of other runs are none.
    """
    if address != "auto":
        return address
    from ray._private import services, utils

    known = os.environ.get("RAY_ADDRESS") or utils.read_ray_address(None)
    if known:
        return str(known)
    running = {str(one) for one in services.find_gcs_addresses()}  # type: ignore[no-untyped-call]
    joined = [one for one in running if not one.startswith(_LOOPBACK)]
    if len(joined) != 1:
        wanted = f"{_CLUSTER} that this machine is part of (`ray start`), or the HOST:PORT of one"
        raise InputError.of(_ARGUMENT, wanted, "auto")
    return joined[0]


def _version(address: str, token: Token | None) -> str | None:
    """Which Ray answers at ``address``; None if it wants a token, or another one. Raises InputError where none answers."""
    import grpc
    from ray.core.generated.gcs_service_pb2 import CheckAliveRequest  # type: ignore[attr-defined]
    from ray.core.generated.gcs_service_pb2_grpc import NodeInfoGcsServiceStub

    metadata = None if token is None else [("authorization", f"Bearer {token.secret}")]
    head: Any = NodeInfoGcsServiceStub
    with grpc.insecure_channel(address) as channel:
        try:
            answer = head(channel).CheckAlive(CheckAliveRequest(), timeout=_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return None
            said = "nothing there answers as Ray does"
            raise InputError.of(_ARGUMENT, _CLUSTER, f"{address} ({said}: {error.code().name})") from None
    return str(answer.ray_version)
