"""What operations work with: the parts of one running service, made at its start."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from service.api.access import Key
from service.api.problems import ApiError
from service.artifacts import Artifacts
from service.images import ImageSources
from service.settings import Settings
from service.studies import Studies
from space.errors import InputError

if TYPE_CHECKING:
    from nascale.spec import SearchSpec

_TURN_SECONDS = 20.0
_OWNERS = frozenset({"storage", "table", "learn_from", "ray_address"})
"""Keys of a spec that name files, databases or machines."""


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
    _arithmetic: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings, token: str) -> Context:
        """The parts with these settings; nothing is opened yet."""
        return cls(
            settings,
            Key(token),
            ImageSources(settings),
            Studies(settings.storage),
            Artifacts(settings.folder / "artifacts"),
        )

    def check(self) -> None:
        """Raises NascaleError where the database does not answer."""
        self.studies.summaries()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Holds the turn of operations that compute for long, of which one does so at a time. Raises ApiError (429)."""
        if not self._arithmetic.acquire(timeout=_TURN_SECONDS):
            raise ApiError(429, "computing: wanted a turn, got none: others compute", {"retry-after": "10"})
        try:
            yield
        finally:
            self._arithmetic.release()

    def search_spec(self, keys: Mapping[str, Any]) -> tuple[SearchSpec, ImageShape]:
        """The spec of a search and the images that it names. Raises InputError for keys that are not the client's to choose."""
        from nascale.spec import SearchSpec

        for name in keys.keys() & _OWNERS:
            raise InputError.of(f"spec.{name}", "none: it is the service's to choose", keys[name])
        space, data = keys.get("space"), keys.get("data", "digits")
        if isinstance(space, str) and space.lower().endswith(".toml"):
            raise InputError.of("spec.space", "the name of a space, or one written down, no file", space)
        if not isinstance(data, str):
            raise InputError.of("spec.data", "the id of images", data)
        summary = self.images.look(data)
        spec = SearchSpec.of(**{**keys, "data": data})
        side = min(summary["height"], summary["width"])
        return spec, ImageShape(
            side, summary["channels"], len(summary["classes"]), summary["splits"]["train"]["images"]
        )


def _context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


Service = Annotated[Context, Depends(_context)]
"""The context as a parameter of an operation."""
