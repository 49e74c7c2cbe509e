"""Images by name and by upload."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from service.archives import Limits, checked, unpack
from space.errors import InputError
from tests.service.api.serving import Serving

LIMITS = Limits(files=100, bytes=10_000_000, ratio=100)


def pictures(classes: int = 2, each: int = 12) -> bytes:
    """A zip archive of a folder for each class."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for label in range(classes):
            for number in range(each):
                picture = io.BytesIO()
                pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(picture, "PNG")
                archive.writestr(f"photos/class <b>{label}/{number}.png", picture.getvalue())
    return buffer.getvalue()


def upload(client: httpx.Client, content: bytes, title: str = "photos.zip") -> httpx.Response:
    return client.post("/v1/data", files={"file": (title, content)})


def test_digits_are_always_there(client: httpx.Client) -> None:
    assert client.get("/v1/data").json()["items"][0] == {
        "id": "digits",
        "title": "digits",
        "origin": "configured",
    }
    summary = client.get("/v1/data/digits").json()["summary"]
    assert (summary["images"], summary["splits"]["train"]["images"]) == (1797, 1151)
    assert client.get("/v1/data/digitz").json()["nearest"] == ["digits"]


def test_an_upload_is_looked_at_and_kept_once(client: httpx.Client, served: Serving) -> None:
    content = pictures()
    answer = upload(client, content)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["summary"]["images"] == 24
    assert found["summary"]["classes"] == ["class <b>0", "class <b>1"]
    assert str(served.place) not in answer.text
    again = upload(client, content)
    assert again.status_code == 200
    assert again.json()["id"] == found["id"]
    assert found["id"] in [one["id"] for one in client.get("/v1/data").json()["items"]]
    assert not list((served.place / "nascale-service" / "incoming").iterdir())


def test_arrays_are_taken_too_but_no_pickles(client: httpx.Client) -> None:
    rng = np.random.default_rng(1)
    buffer = io.BytesIO()
    labels = np.arange(40) % 4
    np.savez(buffer, x_train=rng.integers(0, 255, (40, 8, 8, 1), dtype=np.uint8), y_train=labels)
    assert upload(client, buffer.getvalue(), "arrays.npz").json()["summary"]["channels"] == 1
    evil = io.BytesIO()
    np.savez(evil, x_train=np.array([{"a": 1}] * 40, dtype=object), y_train=labels)
    answer = upload(client, evil.getvalue(), "evil.npz")
    assert answer.status_code == 422
    assert "wanted uint8 images, got 'object'" in answer.json()["detail"]


def test_what_holds_no_images_is_refused(client: httpx.Client, served: Serving) -> None:
    assert upload(client, b"%PDF-1.7 no pictures").status_code == 415
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes/readme.txt", "nothing")
    answer = upload(client, buffer.getvalue())
    assert answer.status_code == 422
    assert str(served.place) not in answer.text
    assert not [
        one for one in (served.place / "nascale-service" / "uploads").iterdir() if one.name.startswith(".")
    ]


def archive_of(path: Path, *entries: tuple[str, bytes], kind: int = stat.S_IFREG) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    "name",
    ["../out.png", "/etc/out.png", "a/../../out.png", "..\\out.png", "C:/out.png", "a/b\nc.png", "x" * 300],
)
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="upload: wanted"):
        checked(archive_of(tmp_path / "slip.zip", (name, b"x")), LIMITS)


def test_links_bombs_and_crowds_are_refused(tmp_path: Path) -> None:
    for problem, path in (
        ("link", archive_of(tmp_path / "link.zip", ("a/b.png", b"/etc/passwd"), kind=stat.S_IFLNK)),
        ("packed at most", archive_of(tmp_path / "bomb.zip", ("a/b.png", bytes(5_000_000)))),
        ("once unpacked", archive_of(tmp_path / "big.zip", *((f"{i}.png", bytes(10**6)) for i in range(12)))),
        ("files", archive_of(tmp_path / "crowd.zip", *((f"{i}.png", b"x") for i in range(101)))),
        ("once", archive_of(tmp_path / "twice.zip", ("a.png", b"x"), ("A.png", b"y"))),
    ):
        with pytest.raises(InputError, match=problem):
            checked(path, LIMITS)


def test_an_entry_that_holds_more_than_it_says_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "liar.zip", ("a.png", bytes(range(256)) * 40))
    content = bytearray(path.read_bytes())
    size = (256 * 40).to_bytes(4, "little")
    for at in (content.find(size), content.rfind(size)):
        content[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    files = checked(path, LIMITS)
    with pytest.raises(InputError, match="upload: wanted"):
        unpack(path, files, tmp_path / "out")
