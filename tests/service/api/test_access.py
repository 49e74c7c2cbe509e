"""Who is let in: attacks on the door of a service that runs."""

from __future__ import annotations

import socket

import httpx
import pytest

from nascale.version import VERSION
from service.api.access import safe_target
from tests.service.api.serving import TOKEN, Serving

READ = ("/v1/jobs", "/v1/studies", "/v1/data", "/openapi.json", "/v1/openapi.json", "/", "/nothing")


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("token", [None, "x", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper()])
def test_nothing_without_the_token(served: Serving, path: str, token: str | None) -> None:
    with served.client(token) as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_schemes_and_places_of_a_token_do_not_count(served: Serving) -> None:
    with served.client(None) as client:
        for headers in (
            {"Authorization": TOKEN},
            {"Authorization": f"Basic {TOKEN}"},
            {"X-Token": TOKEN},
            {"Cookie": f"nascale_session={TOKEN}"},
        ):
            assert client.get("/v1/data", headers=headers).status_code == 401
        assert client.get(f"/v1/data?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("token", [None, "wrong", TOKEN])
def test_whether_it_is_ready_is_told_to_anybody_and_nothing_else(served: Serving, token: str | None) -> None:
    with served.client(token) as client:
        assert client.get("/v1/health").json() == {"version": VERSION, "ready": True}
    with served.client(None) as client:
        for path in (
            "/v1/health/",
            "/v1/health/../jobs",
            "/v1//health",
            "/v1/health%2f..%2fjobs",
            "/v1/healthy",
        ):
            request = client.build_request("GET", served.url)
            request.url = request.url.copy_with(raw_path=path.encode())
            assert client.send(request).status_code == 401, path
        assert client.delete("/v1/health").status_code == 401
        assert client.get("/v1/health", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "[::2]"])
def test_names_that_others_gave_this_address_are_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/v1/health", headers={"Host": host})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_other_sites_are_refused(client: httpx.Client, origin: str) -> None:
    body = {"architectures": ["resnet18"]}
    assert client.post("/v1/profile", json=body, headers={"Origin": origin}).status_code == 403
    own = str(client.base_url).rstrip("/")
    assert client.post("/v1/profile", json=body, headers={"Origin": own}).status_code == 200


def test_the_cookie_reads_and_writes_from_its_own_page_only(served: Serving) -> None:
    with served.client(None) as client:
        wrong = client.post("/login", data={"token": "wrong"})
        assert wrong.status_code == 303
        assert "wrong=1" in wrong.headers["location"]
        answer = client.post("/login", data={"token": TOKEN, "next": "//evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/v1/data").status_code == 200
        body = {"architectures": ["resnet18"]}
        assert client.post("/v1/profile", json=body).status_code == 403
        assert client.post("/v1/profile", json=body, headers={"Origin": served.url}).status_code == 200
        cross = client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})
        assert cross.status_code == 403


def test_a_browser_is_sent_to_the_form(served: Serving) -> None:
    with served.client(None) as client:
        answer = client.get("/studies/x", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/studies/x")


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "http://evil.example", "", None, "/a\nb"]
)
def test_signing_in_leads_nowhere_else(path: str | None) -> None:
    assert safe_target(path) == "/"


@pytest.mark.parametrize(
    "path", ["/v1/data/..%2f..%2fetc%2fpasswd", "/v1/artifacts/../../etc/passwd", "/v1/data/%00"]
)
def test_a_path_in_a_name_is_a_name(client: httpx.Client, path: str) -> None:
    request = client.build_request("GET", client.base_url.join(path))
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = client.send(request)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


def test_ten_megabytes_of_json_are_refused(client: httpx.Client) -> None:
    deep = b'{"architectures": [' + b"[" * 10_000_000
    assert client.post("/v1/profile", content=deep[:-10]).status_code == 413

    def pieces() -> object:
        for _ in range(200):
            yield b"[" * 50_000

    assert client.post("/v1/profile", content=pieces()).status_code == 413  # type: ignore[arg-type]
    nested = b'{"architectures": ' + b"[" * 100_000
    answer = client.post("/v1/profile", content=nested, headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_an_upload_of_more_than_is_taken_is_refused(client: httpx.Client) -> None:
    assert client.post("/v1/data", files={"file": bytes(3_000_000)}).status_code == 413


def test_a_slow_upload_is_ended(served: Serving) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/data HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_methods_that_are_not_there(client: httpx.Client) -> None:
    answer = client.delete("/v1/health")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert client.put("/v1/jobs").headers["allow"] == "GET, POST"
    assert answer.headers["content-type"] == "application/problem+json"
