"""What the specs of jobs may speak of, by name: images, tables of results, stored studies, other jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from service.jobs.hidden import Hidden
from service.jobs.store import JobStore
from space.errors import UnknownNameError

TABLE = "table:"
"""How the source of an entry begins that is a table of results (a TOML file that describes one), not images."""


@dataclass(frozen=True)
class Resources:
    """The store of jobs and studies, and images (``name → source``) and tables (``name → table:FILE``) by name.

    ``ray_address`` is the cluster on which all jobs train, where they do not train on this machine.
    """

    store: JobStore
    data: Mapping[str, str]
    ray_address: str | None = None

    @property
    def storage(self) -> str:
        """The URL of the studies' database."""
        return self.store.database.url

    @cached_property
    def hidden(self) -> Hidden:
        """What clients do not see of logs and errors; uploads that come later lie in the folder of the service."""
        return Hidden.of(self.storage, self.store.folder.parent, self.data)

    def source(self, name: object) -> str:
        """The images of that name, as ``--data`` takes them; a source that needs no place is its own name.

        Raises UnknownNameError.
        """
        from evaluators.images.sources import SOURCES

        bare = {prefix: prefix for prefix, source in SOURCES.items() if not source.operand}
        images = {one: source for one, source in self.data.items() if not source.startswith(TABLE)}
        return named("spec.data", name, bare | images)

    def table(self, name: object) -> str:
        """The file that describes the table of that name. Raises UnknownNameError."""
        tables = {
            one: source.removeprefix(TABLE) for one, source in self.data.items() if source.startswith(TABLE)
        }
        return named("spec.table", name, tables)


def named(argument: str, name: object, known: Mapping[str, str]) -> str:
    """What is known under ``name``. Raises UnknownNameError."""
    if not isinstance(name, str) or name not in known:
        raise UnknownNameError(argument, name, known)
    return known[name]
