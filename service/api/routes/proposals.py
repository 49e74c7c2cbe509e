"""Networks that a person or another program proposes to a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from nascale.architectures import fitted
from nascale.spaces import as_stored, search_space, space_value
from search.proposal import KnownNetwork, propose
from search.settings import Budgets
from service.api.architectures import Arch, named_architecture
from service.api.context import Context, Service
from service.api.jobs import JobDocument
from service.api.names import StudyName
from service.api.problems import ApiError, documented
from service.jobs.commands import command_of
from service.jobs.errors import QueueFull
from service.jobs.job import JobKind
from service.jobs.options import keys_of
from service.jobs.plans import submit
from space.errors import InputError, RunError
from space.search_space import SearchSpace
from space.setting import declared

router = APIRouter(prefix="/studies/{study}", tags=["studies"])


class Proposal(BaseModel):
    """A network to be measured as a trial of the study."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"architecture": "mobilenet_v2@width=0.25"}}
    )

    architecture: Arch


class ProposedTrial(BaseModel):
    """The trial, which waits, and the job that measures it."""

    number: int = Field(description="Of the trial")
    key: str = Field(description="Of the network, as it was fitted to the images of the study")
    member: bool = Field(
        description="Whether it was found in the study's space: its sampler is told of it, then"
    )
    job: JobDocument


@router.post("/trials", status_code=202, responses=documented(404, 409, 429))
def propose_trial(service: Service, study: StudyName, asked: Proposal) -> ProposedTrial:
    """Has a network measured as a trial of the study, whose search goes on with it.

    A network of the zoo is fitted to the study's images; any other must have their classes and channels. The sampler learns from
    one that is of the study's space (`member`). 409 names the trial that has measured the network already, or says that a search is at
    work on the study.
    """
    attributes = service.studies.attributes(study)
    spec, space = attributes.get("spec", {}), attributes.get("space", {})
    if spec.get("evaluator") != "train" or not {"classes", "in_channels", "resolution"} <= space.keys():
        raise InputError.of("study", "one whose networks are trained from scratch", study)
    keys = _keys(service, study, spec)
    waiting, most = service.jobs.waiting(), service.settings.queue
    if waiting >= most:
        raise ApiError(429, str(QueueFull(waiting, most)), {"retry-after": "60"})
    network = fitted(
        named_architecture(asked.architecture),
        service.settings.storage,
        classes=space["classes"],
        channels=space["in_channels"],
        side=space["resolution"],
        argument="architecture",
    )
    budgets = Budgets(**{name: spec[name] for name in declared(Budgets) if spec.get(name) is not None})
    try:
        with service.computing():
            number, member = propose(
                service.settings.storage, study, network, budgets, _space(attributes, budgets)
            )
    except KnownNetwork as error:
        raise ApiError(409, str(error), number=error.number) from None
    except RunError as error:
        raise ApiError(409, str(error)) from None
    service.studies.forget()
    keys["trials"] = max(int(spec["trials"]), number + 1)
    job, _ = submit(service.resources, JobKind.SEARCH, keys, most_waiting=most)
    service.wake()
    return ProposedTrial(number=number, key=network.key, member=member, job=JobDocument.of(job))


def _space(attributes: Mapping[str, Any], budgets: Budgets) -> SearchSpace | None:
    """The space of a study; None where this version makes other decisions of the same words."""
    name, stored = attributes["spec"].get("space"), attributes["space"]
    try:
        fitted_to = stored["resolution"], stored["in_channels"], stored["classes"]
        found = as_stored(search_space(space_value(name), *fitted_to, budgets), stored)
    except InputError:
        return None
    same = [[one.name, list(one.options)] for one in found.decisions] == stored.get("decisions")
    return found if same else None


def _keys(service: Context, study: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a job that goes on with the study. Raises InputError where its images have no name here."""
    source = spec.get("data")
    name = next((name for name, known in service.images.items() if known == source), None)
    if name is None:
        raise InputError.of("study", "one on images that this service has", study)
    _, command = command_of(JobKind.SEARCH, {})
    keys = {key: spec[key] for key in keys_of(command) if spec.get(key) is not None}
    if str(keys.get("space", "")).startswith("{"):
        keys["space"] = json.loads(keys["space"])
    return keys | {"study": study, "data": name}
