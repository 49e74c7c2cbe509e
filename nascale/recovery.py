"""Goes on from the file that a search wrote when its database was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nascale.spec import SearchSpec
from results.rescue import Rescued
from results.storage_url import storage_url
from space.errors import InputError


def is_search(rescued: Rescued) -> bool:
    """Whether it was a search for networks; else for coefficients."""
    return "sampler" in rescued.spec


def recovered_spec(rescued: Rescued, options: Mapping[str, Any]) -> SearchSpec:
    """The spec of the search, with the ``options`` that were given over it. Raises InputError where they cannot be."""
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("study", rescued.study) != rescued.study:
        raise InputError.of("study", f"none beside --recover, or {rescued.study!r}", given["study"])
    spec = SearchSpec.stored({**rescued.spec, "storage": storage_of(rescued, given.get("storage"))})
    return spec.replace(**given) if given else spec


def storage_of(rescued: Rescued, given: str | None) -> str:
    """Where the study goes: as given, else where it was. Raises InputError where that takes a password."""
    kept = str(rescued.spec.get("storage", ""))
    if given is None and "***" in kept:
        raise InputError.of("storage", "--storage with the password, which the file does not hold", kept)
    return given or kept


def restore(rescued: Rescued, storage: str, spec: SearchSpec | None) -> str:
    """Puts what was found into the storage; what was done, in a sentence."""
    from search.objective import Objective
    from search.recovery import restore as put

    new = put(rescued, storage_url(storage), Objective() if spec is None else spec.parsed_objective)
    return f"recovered {new} results of study {rescued.study}"
