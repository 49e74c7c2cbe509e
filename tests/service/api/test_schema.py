"""The OpenAPI document, and schemathesis against a service that runs: whatever is sent, answers are as documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import ROOT, environment
from tests.service.api.serving import TOKEN, Serving

OPERATIONS = {
    ("get", "/v1/health"),
    ("get", "/v1/data"),
    ("post", "/v1/data"),
    ("get", "/v1/data/{id}"),
    ("post", "/v1/profile"),
    ("post", "/v1/spaces/profile"),
    ("post", "/v1/families"),
    ("get", "/v1/jobs"),
    ("post", "/v1/jobs"),
    ("get", "/v1/jobs/{id}"),
    ("delete", "/v1/jobs/{id}"),
    ("post", "/v1/jobs/{id}/cancel"),
    ("post", "/v1/jobs/{id}/resume"),
    ("get", "/v1/jobs/{id}/events"),
    ("get", "/v1/jobs/{id}/log"),
    ("get", "/v1/studies"),
    ("get", "/v1/studies/{study}"),
    ("get", "/v1/studies/{study}/report"),
    ("get", "/v1/studies/{study}/trials"),
    ("post", "/v1/studies/{study}/trials"),
    ("get", "/v1/studies/{study}/trials/{number}"),
    ("get", "/v1/studies/{study}/front"),
    ("get", "/v1/artifacts/{sha256}"),
}


@pytest.fixture(scope="module")
def document(idle: Serving) -> dict[str, Any]:
    with idle.client() as client:
        found: dict[str, Any] = client.get("/v1/openapi.json").json()
        assert client.get("/openapi.json").json() == found
    return found


def test_every_operation_is_there(document: dict[str, Any]) -> None:
    found = {(method, path) for path, operations in document["paths"].items() for method in operations}
    assert found == OPERATIONS


def test_operations_say_what_they_do_what_goes_wrong_and_who_may(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            public = path == "/v1/health"
            assert operation["security"] == ([] if public else [{"HTTPBearer": []}]), (method, path)
            assert ("401" in operation["responses"]) is not public, (method, path)
            assert "422" in operation["responses"], (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
    events = document["paths"]["/v1/jobs/{id}/events"]["get"]["responses"]["200"]
    assert list(events["content"]) == ["text/event-stream"]


def test_requests_and_answers_have_examples_that_are_taken(document: dict[str, Any], idle: Serving) -> None:
    schemas = document["components"]["schemas"]
    for name in ("JobDocument", "StudySummary", "Profile", "Problem", "Rows", "Trial", "Health"):
        assert "example" in schemas[name] or name == "Profile", name
    with idle.client() as client:
        for path, name in (("/v1/profile", "ProfileRequest"), ("/v1/families", "FamilyRequest")):
            assert client.post(path, json=schemas[name]["example"]).status_code == 200, path
        assert client.post("/v1/jobs", json=schemas["JobRequest"]["example"]).status_code == 201


def fuzzed(idle: Serving, place: Path, *arguments: str) -> str:
    """Runs schemathesis with all checks; returns what it says. Raises AssertionError with that where a check fails."""
    program = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    done = subprocess.run(
        [
            *program, "--config-file", str(ROOT / "schemathesis.toml"), "--no-color", "run",
            f"{idle.url}/openapi.json", "--header", f"Authorization: Bearer {TOKEN}", "--checks", "all",
            "--suppress-health-check", "all", "--warnings", "off", *arguments,
        ],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_whatever_is_sent_the_answer_is_as_documented(idle: Serving, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    fuzzed(idle, tmp_path, "--phases", "fuzzing", "--max-examples", "5", "--max-time", "5")


PARTS = {
    "examples": ("--phases", "examples,coverage"),
    "jobs": ("--phases", "fuzzing", "--include-path-regex", "^/v1/jobs"),
    "studies": ("--phases", "fuzzing", "--include-path-regex", "^/v1/studies"),
    "others": ("--phases", "fuzzing", "--exclude-path-regex", "^/v1/(jobs|studies)"),
    "stateful": ("--phases", "stateful"),
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_sent_the_answer_is_as_documented_thousands_of_times(
    idle: Serving, tmp_path: Path, part: str
) -> None:
    """Five thousand cases and more in all, also those of a client that keeps what it was answered; how many is printed.

    Each part goes on for three minutes, or until it has nothing new to send."""
    pytest.importorskip("schemathesis")
    said = fuzzed(idle, tmp_path, *PARTS[part], "--max-examples", "200", "--max-time", "170")
    print(part, *re.findall(r"[0-9,]+ generated[^\n]*", said), file=sys.stderr)


def test_answers_hold_nothing_of_the_owners_places(idle: Serving) -> None:
    with idle.client() as client:
        for path in ("/v1/studies", "/v1/studies/digits", "/v1/data", "/v1/data/digits", "/v1/jobs"):
            answer: httpx.Response = client.get(path)
            assert answer.status_code == 200
            assert str(idle.place) not in answer.text, path
