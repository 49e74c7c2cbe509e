"""Families: a network scaled to budgets."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from nascale.architectures import images_side
from nascale.family_files import member_name, member_row
from nascale.output import plain_document
from nascale.quantities import kind_of_cost, parse_quantity
from service.api.architectures import Arch, architecture_of
from service.api.context import Service
from service.api.problems import documented
from space.codec import to_dict
from space.cost import costs
from space.errors import InputError
from space.family import family as scaled
from space.rounding import POLICIES
from space.scaling import Coefficients

router = APIRouter(tags=["costs"])
MEASURES = {"macs": "macs", "flops": "flops", "params": "params", "memory": "activation_bytes"}
_MOST = 20
_LARGEST = 1e12
_LARGEST_COEFFICIENT = 2.0
"""Of a coefficient. Only the ratios of their logarithms matter, and those with α·β²·γ² = 2 (Tan and Le 2019, eq. 3) are no larger;
the larger one is, the more networks lie between two steps of φ: with an α of 999 a family takes half a minute."""


class FamilyRequest(BaseModel):
    """A network and the budgets that its family is to meet."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"architecture": "efficientnet_b0", "budgets": ["0.4G", "0.8G"]}},
    )

    architecture: Arch
    budgets: list[float | str] = Field(min_length=1, max_length=_MOST, description="As 400M, 1.5G or 64MB")
    measure: Literal["macs", "flops", "params", "memory"] = Field("macs", description="What a budget bounds")
    alpha: float = Field(1.2, ge=1, le=_LARGEST_COEFFICIENT, description="Depth at φ = 1")
    beta: float = Field(1.1, ge=1, le=_LARGEST_COEFFICIENT, description="Width at φ = 1")
    gamma: float = Field(1.15, ge=1, le=_LARGEST_COEFFICIENT, description="Resolution at φ = 1")
    rounding: Literal[tuple(POLICIES)] = "released"  # type: ignore[valid-type]
    max_resolution: int | None = Field(
        None,
        ge=1,
        description="Pixels at which the resolution stops; for a trial of a study that of its images where nothing is given",
    )


class FamilyMember(BaseModel):
    """One network of a family: what it was scaled by, what it costs, and its architecture as JSON.

    ``depth`` and ``width`` are the rule's factors at ``phi``, ``realised_…`` what came out of rounding, and ``spread`` how
    far the realised ones are apart in units of φ.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    budget: float
    phi: float
    depth: float
    width: float
    resolution: int
    realised_depth: float
    realised_width: float
    realised_resolution: float
    spread: float
    used: float
    params: int
    macs: int
    key: str
    architecture: dict[str, JsonValue]


class Family(BaseModel):
    """A member for each budget, in their order."""

    items: list[FamilyMember]


@router.post("/families", responses=documented(429))
def family(service: Service, asked: FamilyRequest) -> Family:
    """The family of a network: for each budget the member nearest to the compound ray that uses it.

    422 names the least cost that there is.
    """
    base = architecture_of(asked.architecture, service.settings.storage)
    coefficients = Coefficients(asked.alpha, asked.beta, asked.gamma)
    rounding, measure = POLICIES[asked.rounding], MEASURES[asked.measure]
    bounds = [
        parse_quantity(budget, kind_of_cost(measure), f"budgets.{i}")
        for i, budget in enumerate(asked.budgets)
    ]
    if max(bounds) > _LARGEST:
        raise InputError.of("budgets", f"at most {_LARGEST:.0e}", max(bounds))
    own = (
        images_side(asked.architecture, service.settings.storage)
        if isinstance(asked.architecture, str)
        else None
    )
    with service.computing():
        members = scaled(
            base,
            bounds,
            lambda network: float(costs(network).searched()[measure]),
            measure=measure,
            coefficients=coefficients,
            rounding=rounding,
            max_resolution=asked.max_resolution or own,
        )
        items = []
        for member in members:
            network = member.architecture.replace(name=member_name(base, member, measure))
            row = member_row(member, network, measure, rounding=rounding.name)
            items.append(FamilyMember(**plain_document(row), architecture=to_dict(network)))
    return Family(items=items)
