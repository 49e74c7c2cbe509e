"""From the spec of a job to its command line.

A spec is a JSON object whose keys are the options of the command (``max_macs``, ``trials`` …), and what the command is
about in a key of its own:

=============  =====================================================================================================
search, auto   options alone; ``space`` may be a name or an object that writes a space down
train          ``arch``: a network of the zoo, an object that writes one down, or ``{"study": …, "trial": …}``
scale-search   ``arch``, likewise
verify         ``study``
export         ``job``: the id of a job that trained
bench          ``bench``: samplers (``table``), proxies (``study`` or ``table``) or spaces (``spaces``, a list of names)
=============  =====================================================================================================

``data`` and ``table`` are names from the service's list. The storage goes by the environment, as it may hold a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from nascale.cli import cli
from results.storage_url import STORAGE_VARIABLE
from service.jobs.job import Job, JobKind
from service.jobs.options import arguments, checked, options_of
from service.jobs.resources import Resources, named
from service.jobs.subjects import KEYS, OUT, space_name, subject, written_space

_COMMANDS: dict[JobKind, tuple[str, ...]] = {
    **{kind: (kind.value,) for kind in JobKind},
    JobKind.SCALE_SEARCH: ("scale", "search"),
}
_BENCHES = ("samplers", "proxies", "spaces")
RESULT = "result.json"
"""The file in a job's folder that holds the table or document that its command found."""


@dataclass(frozen=True)
class CommandLine:
    """How a job is begun: the arguments of ``python -m nascale``, files of the job's folder to write before, and what is set
    in the environment."""

    arguments: tuple[str, ...]
    files: Mapping[str, str]
    environment: Mapping[str, str]


def command_of(kind: JobKind, spec: Mapping[str, Any]) -> tuple[tuple[str, ...], click.Command]:
    """The command of a job and its words. Raises UnknownNameError for a bench that is not there."""
    words = _COMMANDS[kind]
    if kind is JobKind.BENCH:
        words = (*words, named("spec.bench", spec.get("bench"), {name: name for name in _BENCHES}))
    found: click.Command = cli
    for word in words:
        assert isinstance(found, click.Group)
        command = found.get_command(click.Context(found), word)
        assert command is not None
        found = command
    return words, found


def options(kind: JobKind, spec: Mapping[str, Any], resources: Resources) -> dict[str, Any]:
    """The options of a spec, checked one by one, with names replaced by what they lead to.

    Raises UnknownNameError for a key or a name that is not there, InputError for a value of the wrong kind.
    """
    words, command = command_of(kind, spec)
    found = checked(command, spec, KEYS.get(words, frozenset()))
    if "data" in found:
        found["data"] = resources.source(found["data"])
    if "table" in found:
        found["table"] = resources.table(found["table"])
    if "space" in found:
        space = found["space"]
        found["space"] = (
            written_space("spec.space", space)
            if isinstance(space, Mapping)
            else space_name("spec.space", space)
        )
    return found


def command_line(job: Job, resources: Resources) -> CommandLine:
    """The command line of a job, which writes below the job's folder alone.

    Raises InputError where what it speaks of is gone by now.
    """
    folder = resources.store.folder_of(job.id)
    words, command = command_of(job.kind, job.spec)
    found = options(job.kind, job.spec, resources)
    known = options_of(command)
    derived: dict[str, Any] = {"out": folder / OUT, "scores": folder / "scores.csv"}
    if job.kind is not JobKind.EXPORT:  # its certificate lies beside the files
        derived |= {"output": folder / RESULT, "format": "json"}
    if job.study is not None:
        derived["study"] = job.study
    if resources.ray_address is not None:
        derived["ray_address"] = resources.ray_address
    found |= {key: value for key, value in derived.items() if key in known}
    about = subject(job.kind, job.spec, resources)
    line = [*words, *arguments(command, found)]
    if about.arguments:
        line += ["--", *(str(folder / one) if one in about.files else one for one in about.arguments)]
    return CommandLine(tuple(line), about.files, {STORAGE_VARIABLE: resources.storage})
