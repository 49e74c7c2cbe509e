"""What operations work with: the parts of one running service, made at its start."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from service.api.access import Key
from service.api.followers import Followers
from service.api.problems import ApiError
from service.artifacts import Artifacts
from service.images import DIGITS, ImageSources
from service.jobs.commands import options
from service.jobs.job import JobKind
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from service.settings import Settings
from service.studies import Studies

if TYPE_CHECKING:
    from nascale.spec import SearchSpec

_TURN_SECONDS = 20.0
_MOST_WAITING = 8
"""Operations that wait for their turn to compute: each holds one of the 40 threads from which all others are answered, too."""


@dataclass(frozen=True)
class ImageShape:
    """What a search space is fitted to: ``side`` and ``channels`` of the images, their ``classes``, how many ``train``."""

    side: int
    channels: int
    classes: int
    train: int


@dataclass
class Context:
    """The parts of a service."""

    settings: Settings
    key: Key
    images: ImageSources
    studies: Studies
    artifacts: Artifacts
    jobs: JobStore
    followers: Followers
    wake: Callable[[], None] = lambda: None
    """Has the queue looked at now."""
    _arithmetic: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_MOST_WAITING + 1)
    )

    @classmethod
    def of(cls, settings: Settings, token: str) -> Context:
        """The parts with these settings; the database is made where there is none."""
        jobs, images = JobStore(settings.storage, settings.folder / "jobs"), ImageSources(settings)
        hidden = Resources(jobs, images).hidden
        return cls(
            settings,
            Key(token),
            images,
            Studies(settings.storage, hidden),
            Artifacts(settings.folder / "artifacts", hidden),
            jobs,
            Followers(jobs, settings.streams),
        )

    @cached_property
    def resources(self) -> Resources:
        """What the specs of jobs may speak of."""
        return Resources(self.jobs, self.images, self.settings.ray_address)

    def check(self) -> None:
        """Raises NascaleError or what SQLAlchemy raises, where the database does not answer."""
        self.jobs.waiting()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Holds the turn of operations that compute for long, of which one does so at a time and a few wait. Raises ApiError (429)."""
        refused = ApiError(429, "computing: wanted a turn, got none: others compute", {"retry-after": "10"})
        if not self._places.acquire(blocking=False):
            raise refused
        try:
            if not self._arithmetic.acquire(timeout=_TURN_SECONDS):
                raise refused
            try:
                yield
            finally:
                self._arithmetic.release()
        finally:
            self._places.release()

    def search_spec(self, keys: Mapping[str, Any]) -> tuple[SearchSpec, ImageShape]:
        """The spec of a search and the images that it names. Raises InputError for keys that are not the client's to choose."""
        from nascale.spec import read_spec

        found = options(JobKind.SEARCH, keys, self.resources)
        summary = self.images.look(str(keys.get("data") or DIGITS))
        spec = read_spec(None, found)
        side = min(summary["height"], summary["width"])
        return spec, ImageShape(
            side, summary["channels"], len(summary["classes"]), summary["splits"]["train"]["images"]
        )


async def _context(request: Request) -> Context:  # not in a thread, as FastAPI would run a plain function
    found: Context = request.app.state.context
    return found


Service = Annotated[Context, Depends(_context)]
"""The context as a parameter of an operation."""
