"""The settings of a search as one frozen value: what to maximise, within which budgets, with what and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from search.objective import Objective
from search.pruning import PRUNERS
from space.errors import InputError, UnknownNameError

BUDGETS = {
    "max_macs": "macs",
    "max_flops": "flops",
    "max_params": "params",
    "max_memory": "activation_bytes",
    "max_latency": "latency_seconds",
}
"""Budget on the network → the cost that it bounds."""


@dataclass(frozen=True)
class Budgets:
    """Upper bounds, inclusive, on what a network may cost; None for no bound."""

    max_macs: float | None = None
    max_flops: float | None = None
    max_params: float | None = None
    max_memory: float | None = None
    max_latency: float | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not value > 0:
                raise InputError.of(item.name, "a positive number", value)

    def bounds(self) -> dict[str, tuple[str, float]]:
        """Budget → (cost, bound), for the budgets that are set."""
        return {
            name: (cost, getattr(self, name))
            for name, cost in BUDGETS.items()
            if getattr(self, name) is not None
        }

    def exceeded(self, costs: Mapping[str, float]) -> tuple[str, ...]:
        """The budgets that known ``costs`` break; a cost that is not known breaks none."""
        return tuple(name for name, (cost, bound) in self.bounds().items() if (costs.get(cost) or 0) > bound)

    def excess(self, costs: Mapping[str, float]) -> float:
        """The largest known cost as a multiple of its budget: 1 or less is within all of them."""
        return max(
            ((costs.get(cost) or 0) / bound for cost, bound in self.bounds().values()),
            default=0.0,
        )


@dataclass(frozen=True)
class SearchSettings:
    """What the loop and the searchers need to know.

    ``trials`` is the number of finished rows to end with; ``max_seconds`` and ``max_epochs`` end a search
    earlier, counting what earlier runs of the study spent. ``window`` is how many suggestions may be out at
    once: suggestion n is made from the results of trials 0 … n − window, told in order of their number, so
    the same seed and window give the same suggestions whatever the workers' timing. ``max_failures`` ends
    the search with an error after so many failed trials.
    """

    sampler: str = "controller"
    objective: Objective = field(default_factory=Objective)
    budgets: Budgets = field(default_factory=Budgets)
    trials: int = 40
    seed: int = 0
    window: int = 1
    pruner: str = "none"
    max_seconds: float | None = None
    max_epochs: int | None = None
    max_failures: int | None = None

    def __post_init__(self) -> None:
        for name in ("trials", "window"):
            if getattr(self, name) < 1:
                raise InputError.of(name, "1 or more", getattr(self, name))
        if self.seed < 0:
            raise InputError.of("seed", "0 or more", self.seed)
        if self.pruner not in PRUNERS:
            raise UnknownNameError("pruner", self.pruner, PRUNERS)
        for name in ("max_seconds", "max_epochs", "max_failures"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError.of(name, "more than 0", value)
