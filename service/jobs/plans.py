"""What is known of a job before it begins: that its command would take its spec, its study, and its processors."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.jobs.commands import command_of, options
from service.jobs.job import Job, JobKind
from service.jobs.options import converted, options_of
from service.jobs.resources import Resources
from service.jobs.store import QUEUE_LIMIT
from service.jobs.subjects import architecture, subject
from space.errors import InputError, UnknownNameError

_LONGEST_STUDY = 200
_Keys = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The study that a job works on, if any, and the processors that it takes."""

    study: str | None
    cores: float


def submit(
    resources: Resources,
    kind: JobKind,
    spec: Mapping[str, Any],
    idempotency_key: str | None = None,
    *,
    most_waiting: int = QUEUE_LIMIT,
) -> tuple[Job, bool]:
    """Checks a request and has it wait for its turn: (job, True), or (the job of before, False) under a known key.

    Raises InputError in one line for a spec that its command would refuse, and what ``JobStore.submit`` raises.
    """
    planned = plan(kind, spec, resources)
    return resources.store.submit(
        kind, spec, idempotency_key, study=planned.study, cores=planned.cores, most_waiting=most_waiting
    )


def plan(kind: JobKind, spec: Mapping[str, Any], resources: Resources) -> Plan:
    """Checks a spec as far as that is possible before the job begins, and says what it will take.

    A study that was not named gets a name of its own. Raises InputError in one line, as the command would say it.
    """
    kind = JobKind(kind)
    if not isinstance(spec, Mapping) or not all(isinstance(key, str) for key in spec):
        raise InputError.of("spec", "an object of keys and values", spec)
    found = options(kind, spec, resources)
    subject(kind, spec, resources)
    _, command = command_of(kind, spec)
    keys = converted(command, found)
    study = spec.get("study")
    if study is not None and not (
        isinstance(study, str) and study.isprintable() and 0 < len(study) <= _LONGEST_STUDY
    ):
        raise InputError.of("spec.study", f"a name of 1 to {_LONGEST_STUDY} printable letters", study)
    check = _CHECKS.get(kind)
    name = None if check is None else check(spec, keys, resources)
    if study is None and "study" in options_of(command):
        study = f"{name or kind}-{secrets.token_hex(3)}"
    return Plan(study, _cores(kind, spec, keys, resources))


def _check_search(spec: Mapping[str, Any], keys: _Keys, resources: Resources) -> str:
    from nascale.spec import read_spec
    from search.samplers.registry import samplers

    if "sampler" in keys and keys["sampler"] not in samplers():
        raise UnknownNameError("spec.sampler", keys["sampler"], samplers())
    return str(read_spec(None, {**keys, "storage": resources.storage}).study)


def _check_auto(spec: Mapping[str, Any], keys: _Keys, resources: Resources) -> None:
    from nascale.auto_run.spec import auto_spec

    own = {name: keys[name] for name in ("auto_augment", "trained_validation") if name in keys}
    given = {name: value for name, value in keys.items() if name not in ("within", "threads", *own)}
    within = keys.get("within", 3600.0)
    auto_spec(given, within=within, out=resources.store.folder, threads=keys.get("threads"), **own)


def _check_train(spec: Mapping[str, Any], keys: _Keys, resources: Resources) -> None:
    from nascale.architectures import resolve
    from nascale.train_spec import train_spec

    arch = architecture(spec.get("arch"))
    resolve(arch, resources.storage)
    train_spec(arch, keys, resources.storage)


def _check_scaling(spec: Mapping[str, Any], keys: _Keys, resources: Resources) -> str:
    from nascale.architectures import resolve

    resolve(architecture(spec.get("arch")), resources.storage)
    return "scaling"


_CHECKS: dict[JobKind, Callable[[Mapping[str, Any], _Keys, Resources], str | None]] = {
    JobKind.SEARCH: _check_search,
    JobKind.AUTO: _check_auto,
    JobKind.TRAIN: _check_train,
    JobKind.SCALE_SEARCH: _check_scaling,
}
"""Each raises InputError where the command would, and names the study where that is not named otherwise."""


def _cores(kind: JobKind, spec: Mapping[str, Any], keys: _Keys, resources: Resources) -> float:
    """Processors of this machine that the command takes, by its own defaults where the spec says nothing."""
    from evaluators.machine import cpus

    if resources.ray_address is not None:
        return 1.0
    threads = keys.get("threads")
    if kind is JobKind.TRAIN:
        return float((threads or cpus()) * keys.get("workers", 1))
    if kind is JobKind.EXPORT:
        return float(threads or 1)
    if kind is JobKind.AUTO:
        return float((threads or 1) * keys.get("workers", max(1, cpus() // (threads or 1))))
    if spec.get("bench") == "samplers":
        return float(keys.get("jobs", cpus()))
    return float(max(1.0, keys.get("workers", 2) * keys.get("cpus_per_trial", 1.0)))
