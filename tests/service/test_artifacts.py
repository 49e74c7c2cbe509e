"""Files of jobs as clients get them: by the digest of what is told, and documents without the server's places."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")

from service.artifacts import Artifacts
from service.jobs.hidden import Hidden


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    hidden = Hidden.of(
        f"sqlite:///{tmp_path}/store.db", tmp_path / "service", {"photos": "folder:/data/photos"}
    )
    return Artifacts(tmp_path / "artifacts", hidden)


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ("folder:/data/photos", "photos"),
        ("folder:{service}/uploads/upload-12ab/images", "upload-12ab"),
        ("npz:{service}/uploads/upload-12ab/images.npz", "upload-12ab"),
        ("folder:{service}/uploads/upload-12ab/images/cat", "upload-12ab/cat"),
        ("folder:{service}/uploads", "folder:***/uploads"),
        ("digits", "digits"),
    ],
)
def test_a_passport_names_its_images(artifacts: Artifacts, tmp_path: Path, images: str, told: str) -> None:
    service = tmp_path / "service"
    file = tmp_path / "passport.json"
    file.write_text(json.dumps({"run": {"data": {"text": images.format(service=service), "seed": 0}}}))
    (kept,) = artifacts.publish(tmp_path, [file])
    found = artifacts.named(kept.sha256)
    assert found is not None
    content = found[1].read_bytes()
    assert (sha256(content).hexdigest(), len(content)) == (kept.sha256, kept.bytes)
    data = json.loads(content)["run"]["data"]
    assert data["seed"] == 0 and data["text"].replace("*" * len(str(service)), "***") == told


def test_files_of_a_network_and_strange_texts_stay_as_they_are(artifacts: Artifacts, tmp_path: Path) -> None:
    for name, content in (("model.onnx", f"{tmp_path}".encode()), ("card.md", b"caf\xe9 \xff\xed\xb2\x80")):
        (tmp_path / name).write_bytes(content)
        (kept,) = artifacts.publish(tmp_path, [tmp_path / name])
        assert kept.sha256 == sha256(content).hexdigest()
        assert artifacts.publish(tmp_path, [tmp_path / name]) == [kept]
