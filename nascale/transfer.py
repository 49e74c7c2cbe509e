"""``learn_from``: the studies that a search starts from, read once and kept with the new study."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile
from math import isfinite
from typing import TYPE_CHECKING, Any

from results.storage_url import default_storage, redacted, storage_url
from space.errors import InputError
from space.search_space import Decisions, SearchSpace

if TYPE_CHECKING:
    from nascale.spec import SearchSpec
    from results.studies import StoredStudy
    from search.objective import Objective
    from search.transfer.experience import Experience

ATTRIBUTE = "learned_from"
"""The attributes of a study that hold what it learned, ``learned_from:0`` …, one for each of the others; and the line of its
provenance that names them."""
FEWEST = 5
"""Measured networks that a study must have to be learned from."""


def experiences(spec: SearchSpec, space: SearchSpace) -> tuple[Experience, ...]:
    """What the search starts from: what its study keeps, or what the studies of ``spec.learn_from`` hold now.

    Raises UnknownNameError or InputError for a study that is not there, searched other decisions or measured too few networks.
    """
    from results.studies import attributes_of, load
    from search.transfer.experience import Experience
    from search.trial_store import MEMORY

    if spec.learn_from is None:
        return ()
    in_memory = spec.storage == MEMORY
    kept = None if in_memory else attributes_of(spec.study, spec.storage)
    if kept is not None and f"{ATTRIBUTE}:0" in kept:
        names = (f"{ATTRIBUTE}:{i}" for i in count())
        return tuple(Experience.from_json(kept[name]) for name in takewhile(kept.__contains__, names))
    found = []
    for name, storage in _sources(spec.learn_from, default_storage() if in_memory else spec.storage):
        if name == spec.study and not in_memory and storage_url(storage) == storage_url(spec.storage):
            raise InputError.of("learn_from", "other studies than the search's own", name)
        found.append(_experience(load(name, storage), space, spec.parsed_objective))
    return tuple(found)


def with_storages(text: str, storage: str) -> str:
    """The same studies, each with its storage; one that names none is in ``storage``. Raises InputError as a search does."""
    return ",".join(f"{name}@{where}" for name, where in _sources(text, storage))


def attributes(found: tuple[Experience, ...]) -> dict[str, Any]:
    """What a new study keeps of its experiences; nothing where there are none."""
    return {f"{ATTRIBUTE}:{i}": experience.to_json() for i, experience in enumerate(found)}


def summary(found: tuple[Experience, ...]) -> dict[str, Any]:
    """The same for a person: study, number of networks and checksum of each, as the provenance of a study has it."""
    said = (
        f"{e.study}, {len(e.rows)} networks (checksum {e.checksum})"
        + (f", without {e.left_out} that this space does not have" if e.left_out else "")
        for e in found
    )
    return {ATTRIBUTE: "; ".join(said)} if found else {}


def _sources(text: str, storage: str) -> list[tuple[str, str]]:
    """(name, storage) of each study; one without a storage is in that of the search."""
    found = []
    for part in text.split(","):
        name, at, where = part.strip().partition("@")
        if not name or (at and not where):
            raise InputError.of("learn_from", "STUDY or STUDY@STORAGE, joined by commas", redacted(text))
        found.append((name, where or storage))
    if len(set(found)) < len(found):
        raise InputError.of("learn_from", "each study once", redacted(text))
    return found


def _experience(study: StoredStudy, space: SearchSpace, objective: Objective) -> Experience:
    from search.encoding import Encoding
    from search.transfer.experience import Experience

    what = f"learn_from: study {study.name!r}"
    decisions = study.space.get("decisions")
    if decisions is None:
        raise InputError(f"{what}: wanted a study that nascale made, got one that does not tell its space")
    ours = {d.name: list(d.options) for d in space.decisions}
    theirs = {name: list(options) for name, options in decisions}
    differing = [n for n in (*ours, *theirs) if repr(ours.get(n)) != repr(theirs.get(n))]
    # A space may have fewer options for one objective than for another, but not other decisions.
    if differing and (study.space.get("name") != space.name or list(ours) != list(theirs)):
        got = f"space {study.space.get('name')}, which differs in {len(set(differing))} of them ({differing[0]})"
        raise InputError(f"{what}: wanted the decisions of space {space.name}, got those of {got}")
    values: dict[tuple[Any, ...], list[float]] = {}
    networks: dict[tuple[Any, ...], Decisions] = {}
    strangers: set[tuple[Any, ...]] = set()
    # A study that does not know what is to be maximised teaches by its accuracy.
    known = any(trial.merit(objective.merit) is not None for trial in study.trials)
    merit = objective.merit if known else "accuracy"
    for trial in study.trials:
        if not trial.decisions:
            continue  # a stock network that is none of the space
        value = _value(trial.merit(merit), trial.costs, objective)
        if not trial.status.complete or trial.measured_by is not None or value is None:
            continue
        try:
            checked = space.validate(trial.decisions)
        except InputError:
            strangers.add(tuple(trial.decisions.items()))
            continue
        at = tuple(checked.items())
        networks[at] = checked
        values.setdefault(at, []).append(value)
    if len(networks) < FEWEST:
        without = f" without {len(strangers)} of options that the space does not have" if strangers else ""
        raise InputError(f"{what}: wanted {FEWEST} measured networks or more, got {len(networks)}{without}")
    means = [sum(values[at]) / len(values[at]) for at in networks]
    return Experience.of(study.name, Encoding(space), list(networks.values()), means, len(strangers))


def _value(merit: float | None, costs: Mapping[str, float], objective: Objective) -> float | None:
    """The first objective of the search; None where the trial has none."""
    if merit is None or not isfinite(merit):
        return None
    if objective.kind == "accuracy":
        return merit
    cost = costs.get(objective.cost)
    return merit * objective.factor(float(cost)) if cost else None
