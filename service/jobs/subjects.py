"""What a job is about (a network, a study, a training, tables, spaces), read from its spec so that none of it is a path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.jobs.job import JobKind
from service.jobs.options import check_text
from service.jobs.resources import Resources, named
from space.errors import InputError

OUT = "out"
"""The folder in a job's folder that holds what its command writes."""
_SPEC = "spec.toml"
_LONGEST_ARCHITECTURE = 100_000
_MOST_SPACES = 20


@dataclass(frozen=True)
class Subject:
    """Arguments of a command. Those that are keys of ``files`` are files of that content, to be written before it runs."""

    arguments: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


KEYS: Mapping[tuple[str, ...], frozenset[str]] = {
    ("train",): frozenset({"arch"}),
    ("scale", "search"): frozenset({"arch"}),
    ("verify",): frozenset({"study"}),
    ("export",): frozenset({"job"}),
    ("bench", "samplers"): frozenset({"bench", "table"}),
    ("bench", "proxies"): frozenset({"bench", "table", "study"}),
    ("bench", "spaces"): frozenset({"bench", "spaces"}),
}
"""The keys of a spec that say it, by the words of the command."""


def subject(kind: JobKind, spec: Mapping[str, Any], resources: Resources) -> Subject:
    """What the job is about. Raises InputError for what is not there, or would be a path."""
    if kind in (JobKind.TRAIN, JobKind.SCALE_SEARCH):
        return Subject((architecture(spec.get("arch")),))
    if kind is JobKind.VERIFY:
        return Subject((_study(spec.get("study"), resources),))
    if kind is JobKind.EXPORT:
        return Subject((str(_run_folder(spec.get("job"), resources)),))
    return _of_bench(spec, resources) if kind is JobKind.BENCH else Subject()


def _of_bench(spec: Mapping[str, Any], resources: Resources) -> Subject:
    if spec.get("bench") == "spaces":
        spaces = spec.get("spaces")
        if not isinstance(spaces, list) or not 0 < len(spaces) <= _MOST_SPACES:
            raise InputError.of("spec.spaces", f"1 to {_MOST_SPACES} names of search spaces", spaces)
        return Subject(tuple(space_name("spec.spaces", one) for one in spaces))
    if spec.get("bench") == "proxies" and spec.get("study") is not None:
        if spec.get("table") is not None:
            raise InputError.of("spec.table", "either a study or a table", spec["table"])
        study = _study(spec["study"], resources)
        if "/" in study or study.lower().endswith(".toml"):  # the command would look for a file
            raise InputError.of("spec.study", "a study whose name is not like a path", study)
        return Subject((study,))
    return Subject((_SPEC,), {_SPEC: f"table = {json.dumps(resources.table(spec.get('table')))}\n"})


def space_name(argument: str, name: object) -> str:
    """The name, if it is that of a search space. Raises UnknownNameError."""
    from space.spaces import SPACES

    return named(argument, name, {one: one for one in SPACES})


def written_space(argument: str, space: Mapping[str, Any]) -> str:
    """A search space that is written down, as the command line takes it. Raises InputError for one that is too long."""
    text = json.dumps(space)
    check_text(argument, text, _LONGEST_ARCHITECTURE)
    return text


def architecture(given: Any) -> str:
    """ARCH as the command line has it. Raises InputError for anything that would be a path."""
    wanted = 'a network of the zoo, an object that writes one down, or {"study": …, "trial": …}'
    if isinstance(given, Mapping) and set(given) == {"study", "trial"}:
        study, trial = given["study"], given["trial"]
        if not isinstance(study, str) or isinstance(trial, bool) or not isinstance(trial, int) or trial < 0:
            raise InputError.of("spec.arch", wanted, given)
        text: Any = f"{study}:{trial}"
    else:
        text = json.dumps(given) if isinstance(given, Mapping) else given
    if not isinstance(text, str) or not text or text.lower().endswith(".json"):
        raise InputError.of("spec.arch", wanted, given)
    check_text("spec.arch", text, _LONGEST_ARCHITECTURE)
    return text


def _study(name: Any, resources: Resources) -> str:
    """The name of a stored study. Raises UnknownNameError with the nearest."""
    from results.studies import driver

    if not isinstance(name, str):
        raise InputError.of("spec.study", "the name of a study", name)
    check_text("spec.study", name)
    driver(name, resources.storage)  # raises where there is no such study
    return name


def _run_folder(job: Any, resources: Resources) -> Path:
    """The folder of a training. Raises InputError for a job that is none, or has not begun."""
    wanted = "the id of a job that trained a network"
    if not isinstance(job, str):
        raise InputError.of("spec.job", wanted, job)
    found = resources.store.get(job)
    if found.kind is not JobKind.TRAIN:
        raise InputError.of("spec.job", wanted, f"{job} ({found.kind})")
    folder = resources.store.folder_of(found.id) / OUT
    if not folder.is_dir():
        raise InputError.of("spec.job", "a training that has begun", f"{job} ({found.state})")
    return folder
