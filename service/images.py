"""The images that may be searched on, by name: those that the owner of the service allows, and uploads.

What is wrong with a set is found by ``nascale data`` in a process of its own: a picture made to harm its reader harms that.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from results.files import write_json
from service.archives import Limits, checked, is_npz, is_zip, unpack
from service.jobs.resources import TABLE
from service.jobs.uploads import ARRAYS, IMAGES, UPLOADS, source
from service.settings import Settings
from space.errors import InputError, UnknownNameError

DIGITS = "digits"
"""Images that come with the program: a search can be tried without any of one's own."""
_SUMMARY = "summary.json"
_LOOK_SECONDS = 600
_PIECE = 2**20


class NoImages(InputError):
    """A file that is neither a zip archive nor an npz file."""


class Full(InputError):
    """There is no room for another upload."""


@dataclass(frozen=True)
class ImageSource:
    """Images by name; ``source`` is what the command line takes, and is told to nobody. ``origin`` is ``configured`` or
    ``upload``; ``title`` what a person called an upload."""

    name: str
    source: str
    origin: str
    title: str | None = None


class ImageSources(Mapping[str, str]):
    """The images of one service: name → source, and tables of results with them. May be asked from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.folder / UPLOADS
        self._configured = {DIGITS: DIGITS} | settings.data
        self._looks: dict[str, dict[str, Any]] = {}
        self._looking = threading.Lock()
        self._adding = threading.Lock()

    def __getitem__(self, name: str) -> str:
        if name in self._configured:
            return self._configured[name]
        for one in self._uploads():
            if one.name == name:
                return one.source
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from self._configured
        yield from (one.name for one in self._uploads())

    def __len__(self) -> int:
        return len(self._configured) + len(self._uploads())

    def all(self) -> list[ImageSource]:
        """Those configured first, then uploads by name."""
        configured = [
            ImageSource(name, source, "configured")
            for name, source in self._configured.items()
            if not source.startswith(TABLE)
        ]
        return configured + self._uploads()

    def _uploads(self) -> list[ImageSource]:
        folders = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        return [self._upload(one) for one in folders if (one / _SUMMARY).is_file()]

    def named(self, name: str) -> ImageSource:
        """The images of that name. Raises UnknownNameError with the nearest names."""
        for one in self.all():
            if one.name == name:
                return one
        raise UnknownNameError("data", name, [one.name for one in self.all()])

    def look(self, name: str) -> dict[str, Any]:
        """What ``nascale data`` says of them. Raises InputError as that does."""
        found = self.named(name)
        if found.origin == "upload":
            document: dict[str, Any] = json.loads((self._folder / name / _SUMMARY).read_text())["summary"]
            return document
        with self._looking:
            if name not in self._looks:
                self._looks[name] = _look(found.source, name)
            return self._looks[name]

    def add(self, file: Path, title: str | None = None) -> tuple[ImageSource, bool]:
        """Takes in a file that was sent: a zip archive of class folders or an npz file. False where it was there already.

        Its name is made of its content. Raises NoImages, Full, or InputError for what no search could use; nothing is left then.
        """
        if not is_zip(file):
            raise NoImages(
                "upload: wanted a zip archive of class folders or an npz file, got another kind of file"
            )
        name = f"upload-{_digest(file)[:16]}"
        with self._adding:
            place = self._folder / name
            if (place / _SUMMARY).is_file():
                return self._upload(place), False
            self._check_room(file)
            settings = self._settings
            limits = Limits(settings.upload_files, settings.unpacked_bytes, settings.upload_ratio)
            files = checked(file, limits)
            part = self._folder / f".{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                if is_npz(files):
                    shutil.copyfile(file, part / ARRAYS)
                else:
                    unpack(file, files, part / IMAGES)
                summary = _look(source(part), name)
                kept = {"title": title, "summary": summary}
                write_json(part / _SUMMARY, kept)
                shutil.rmtree(place, ignore_errors=True)
                part.rename(place)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            return self._upload(place), True

    def _check_room(self, file: Path) -> None:
        places = [one for one in self._folder.iterdir() if one.is_dir()] if self._folder.is_dir() else []
        if len(places) >= self._settings.uploads:
            raise Full(f"upload: wanted at most {self._settings.uploads} uploads, got one more")
        used = sum(one.stat().st_size for place in places for one in place.rglob("*") if one.is_file())
        if used + file.stat().st_size > self._settings.uploads_bytes:
            raise Full("upload: wanted one for which there is room, got one more than the service keeps")

    @staticmethod
    def _upload(place: Path) -> ImageSource:
        kept: Mapping[str, Any] = json.loads((place / _SUMMARY).read_text())
        return ImageSource(place.name, source(place), "upload", kept.get("title"))


def _look(source: str, name: str) -> dict[str, Any]:
    """The document of ``nascale data``, in which the images are called ``name``. Raises InputError with its one line."""
    command = [sys.executable, "-m", "nascale", "data", source, "--format", "json", "--skip-bad"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LOOK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"data: wanted images that are read within {_LOOK_SECONDS} s, got {name}") from None
    where = source.partition(":")[2]
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        line = lines[-1].removeprefix("error: ").replace(source, name)
        raise InputError(line.replace(where, name) if where else line)
    text = done.stdout.replace(json.dumps(source)[1:-1], name)
    document: dict[str, Any] = json.loads(text.replace(json.dumps(where)[1:-1], name) if where else text)
    return document


def _digest(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
