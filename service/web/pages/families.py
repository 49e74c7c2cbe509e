"""Families: a network scaled to budgets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from nascale.quantities import kind_of_cost, parse_list
from service.api.context import Service
from service.api.names import StudyName, TrialNumber
from service.api.problems import ApiError
from service.api.routes.families import MEASURES, FamilyRequest, family
from service.web.network_view import NetworkView
from service.web.pages.route import PageRoute
from service.web.rendering import page, study_path
from space.cost import costs
from space.errors import InputError

router = APIRouter(include_in_schema=False, route_class=PageRoute)
_WORDS = {"macs": "MACs", "flops": "FLOPs", "params": "Parameters", "memory": "Activations"}
_STEPS = (0.5, 2, 4, 8)
"""The usual family: what the network costs, times these."""


@router.get("/studies/{study}/trials/{number}/family")
def show(
    service: Service,
    request: Request,
    study: StudyName,
    number: TrialNumber,
    measure: Literal["macs", "flops", "params", "memory"] = "macs",
    budgets: Annotated[str | None, Query(max_length=400)] = None,
) -> HTMLResponse:
    """The family of a trial's network within budgets."""
    network = NetworkView.of(service.studies, study, number)
    if network.network is None:
        raise InputError.of("trial", f"one that holds a network (study {study})", number)
    asked = budgets or _usual(network, measure)
    members: list[dict[str, Any]] = []
    error, status = "", 200
    try:
        bounds = parse_list(asked, kind_of_cost(MEASURES[measure]), "budgets")
        request_of = FamilyRequest.model_validate(
            {"architecture": network.arch, "budgets": list(bounds), "measure": measure}
        )
        members = [one.model_dump() for one in family(service, request_of).items]
    except (InputError, ApiError) as refused:
        error, status = str(refused), 422
    except ValueError:
        error, status = "budgets: wanted 1 to 20 of them", 422
    for one in members:
        one["job"] = {"kind": "train", "spec": {"arch": one["architecture"], **_data_of(service, study)}}
    return page(
        request,
        "family.html",
        status,
        network=network,
        name=study,
        at=study_path(study),
        measure=measure,
        measures=list(_WORDS.items()),
        budgets=asked,
        error=error,
        members=members,
    )


def _usual(network: NetworkView, measure: str) -> str:
    assert network.network is not None
    cost = float(costs(network.network).searched()[MEASURES[measure]])
    return ", ".join(_written(step * cost) for step in _STEPS)


def _written(value: float) -> str:
    """A budget in three figures, as it is typed."""
    for scale, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= scale:
            return f"{value / scale:.3g}{suffix}"
    return f"{value:.3g}"


def _data_of(service: Any, study: str) -> dict[str, Any]:
    """The images of a study by the name that a job may say; {} where the service does not have them any more."""
    source = service.studies.attributes(study).get("spec", {}).get("data")
    name = next((one.name for one in service.images.all() if one.source == source), None)
    return {} if name is None else {"data": name}
