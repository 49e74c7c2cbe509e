"""What networks and search spaces cost, before anything is trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from nascale.output import plain_document
from nascale.spaces import search_space
from service.api.architectures import Arch, architecture_of
from service.api.context import Service
from service.api.problems import documented
from service.estimate import hours
from space.cost import DTYPES, OPTIMIZERS, costs

router = APIRouter(tags=["costs"])
_MOST = 50
Side = Annotated[int, Field(ge=1, le=4096)]


class ProfileRequest(BaseModel):
    """Networks whose costs are wanted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"architectures": ["efficientnet_b0", "mobilenet_v2@width=1.4"]}},
    )

    architectures: list[Arch] = Field(min_length=1, max_length=_MOST)
    resolution: Side | None = Field(None, description="Side of the images in pixels; else each network's own")
    batch: int = Field(1, ge=1, le=65536, description="Images at once, for the memory")
    dtype: Literal[tuple(DTYPES)] = "float32"  # type: ignore[valid-type]
    optimizer: Literal[tuple(OPTIMIZERS)] = "momentum"  # type: ignore[valid-type]


class NetworkCosts(BaseModel):
    """A network's costs: MACs and FLOPs per image, memory for the whole batch."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "name": "efficientnet_b0",
                "key": "1f0e",
                "resolution": 224,
                "params": 5288548,
                "macs": 385814752,
                "flops": 789000000,
                "activation_bytes": 9633792,
                "training_bytes": 150000000,
            }
        },
    )

    name: str
    key: str
    resolution: int
    params: int
    macs: int
    flops: int
    activation_bytes: int
    training_bytes: int


class Profile(BaseModel):
    """The costs of each network, in the order of the request."""

    items: list[NetworkCosts]


class SpaceRequest(BaseModel):
    """The spec of a search: as far as it says which networks there are, on which images and for how long they are trained."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"spec": {"data": "digits", "space": "mixed", "max_macs": "5M", "trials": 60}}
        },
    )

    spec: dict[str, JsonValue] = Field(description="As in POST /v1/jobs: the options of `nascale search`")
    samples: int = Field(300, ge=2, le=2000, description="Networks to draw")


class SpaceProfile(BaseModel):
    """A space: its size, what its networks cost, the share within the budgets, and how long a search takes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "space": "mixed",
                "size": 1000000,
                "networks": 300,
                "costs": [{"cost": "macs", "min": 100000.0, "median": 2000000.0, "max": 9000000.0}],
                "shares": {"max_macs": 0.61},
                "hours": 0.4,
                "hours_basis": "60 networks of 2.000M MACs, 5 epochs of 1,151 images, 3.000G MACs a second for each of 2 workers",
                "hours_rate": "fixed",
            }
        }
    )

    space: str
    size: int = Field(description="How many networks can be written down in it")
    networks: int = Field(description="How many of them were looked at")
    costs: list[dict[str, JsonValue]]
    shares: dict[str, float] = Field(description="Share of the networks within each budget")
    hours: float = Field(description="That a search is estimated to take; for its order of magnitude")
    hours_basis: str = Field(description="What the hours are reckoned from, in words")
    hours_rate: Literal["measured", "fixed"] = Field(
        description="`measured`: by the median of what trainings took that this machine has finished, where the storage has any,"
        " per MAC, image and epoch; else `fixed`"
    )


@router.post("/profile", responses=documented())
def profile(service: Service, asked: ProfileRequest) -> Profile:
    """The costs of networks."""
    items = []
    for number, arch in enumerate(asked.architectures):
        network = architecture_of(arch, service.settings.storage, f"architectures.{number}")
        if asked.resolution is not None:
            network = network.replace(resolution=asked.resolution)
        found = costs(network, batch=asked.batch, dtype=asked.dtype, optimizer=asked.optimizer)
        told: dict[str, Any] = {"name": network.label, "key": network.key, "resolution": network.resolution}
        items.append(NetworkCosts(**told, **asdict(found)))
    return Profile(items=items)


@router.post("/spaces/profile", responses=documented(429))
def profile_space(service: Service, asked: SpaceRequest) -> SpaceProfile:
    """The size of a search space, the share of it within budgets, and the estimated hours of a search."""
    from search.candidate_cache import CandidateCache
    from search.space_statistics import check_budgets, space_statistics

    spec, images = service.search_spec(asked.spec)
    with service.computing():
        space = search_space(
            spec.space or "mixed",
            spec.resolution or images.side,
            images.channels,
            images.classes,
            spec.budgets,
            small_may_win=spec.small_may_win,
        )
        cache = CandidateCache(space, spec.budgets)
        found = space_statistics(cache, spec.run.seed, asked.samples)
        check_budgets(cache, spec.run.seed)
    macs = found.ranges["macs"][1]
    rate = service.studies.training_rate()
    expected, basis = hours(
        min(macs, spec.budgets.max_macs or macs),
        images.train,
        spec.recipe.epochs,
        spec.run.trials,
        max(1, spec.pool.workers),
        rate,
    )
    return SpaceProfile(
        space=space.name,
        size=space.size,
        networks=found.networks,
        costs=[plain_document(row) for row in found.rows()],
        shares=found.shares,
        hours=expected,
        hours_basis=basis,
        hours_rate=rate.kind,
    )
