"""The settings of a search: what to maximise, within which budgets, with what and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from evaluators.pools.protocol import PATIENCE_SECONDS
from search.objective import Objective
from search.pruning.registry import pruners
from space.errors import InputError, UnknownNameError
from space.setting import setting


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Upper bounds, inclusive, on what a network may cost; None for no bound.

    Each field declares the cost that it bounds. Raises InputError naming a budget that is not positive.
    """

    max_macs: float | None = setting(
        None, "count", "Multiply-accumulates a network may need at most.", bounds="macs"
    )
    max_flops: float | None = setting(
        None,
        "count",
        "Floating-point operations a network may need at most (two for each MAC, and more).",
        bounds="flops",
    )
    max_params: float | None = setting(
        None, "count", "Parameters a network may have at most.", bounds="params"
    )
    max_memory: float | None = setting(
        None,
        "bytes",
        "Memory of the activations at inference, one image, at most.",
        bounds="activation_bytes",
    )
    max_latency: float | None = setting(
        None,
        "seconds",
        "Latency at most. A table may know it; otherwise the worker measures it before it trains a network, and "
        "does not train one that is slower.",
        bounds="latency_seconds",
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not value > 0:
                raise InputError.of(item.name, "a positive number", value)

    def bounds(self) -> dict[str, tuple[str, float]]:
        """Budget → (cost, bound), for the budgets that are set."""
        return dict(self._bounds)

    @property
    def of_architecture(self) -> dict[str, float]:
        """Cost → bound, of the costs that follow from the architecture: not of latency, which is measured."""
        return {cost: bound for cost, bound in self._bounds.values() if cost != "latency_seconds"}

    @cached_property
    def _bounds(self) -> dict[str, tuple[str, float]]:
        return {
            item.name: (item.metadata["bounds"], getattr(self, item.name))
            for item in fields(self)
            if getattr(self, item.name) is not None
        }

    def exceeded(self, costs: Mapping[str, float]) -> tuple[str, ...]:
        """The budgets that known ``costs`` break; a cost that is not known breaks none."""
        return tuple(name for name, (cost, bound) in self._bounds.items() if (costs.get(cost) or 0) > bound)

    def excess(self, costs: Mapping[str, float]) -> float:
        """The largest known cost as a multiple of its budget: 1 or less is within all of them."""
        return max(
            ((costs.get(cost) or 0) / bound for cost, bound in self._bounds.values()),
            default=0.0,
        )


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How far a search goes, and from which seed.

    ``trials`` is the number of finished trials to end with. ``max_seconds`` and ``max_epochs`` end a search
    earlier. ``max_failures`` ends it with an error after so many failed trials, ``patience`` after so many seconds in
    which its database did not answer, or no trial came to its end by the machine's fault.

    Raises InputError naming the setting, what was wanted and what came.
    """

    trials: int = setting(
        40, "int", "Finished trials to end with; a repeated run may ask for more.", may_change=True
    )
    max_seconds: float | None = setting(
        None, "seconds", "Start no trial after this much time in this run.", may_change=True
    )
    max_epochs: int | None = setting(
        None, "int", "Start no trial after so many trained epochs in the study.", may_change=True
    )
    max_failures: int | None = setting(None, "int", "Give up after so many failed trials.", may_change=True)
    patience: float = setting(
        PATIENCE_SECONDS,
        "seconds",
        "How long to put up with a database that does not answer (results are kept in memory meanwhile), or with a machine "
        "that fails every trial.  [default: 10 min]",
        may_change=True,
    )
    seed: int = setting(0, "int", "Seed of suggestions, weights, order of images and augmentation.")

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InputError.of("trials", "1 or more", self.trials)
        if self.seed < 0:
            raise InputError.of("seed", "0 or more", self.seed)
        if not self.patience >= 0:
            raise InputError.of("patience", "0 or more", self.patience)
        for name in ("max_seconds", "max_epochs", "max_failures"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError.of(name, "more than 0", value)


@dataclass(frozen=True, kw_only=True)
class SearchSettings(RunSettings):
    """What the loop and the samplers need to know.

    ``window`` is how many suggestions may be out at once: suggestion n is made from the results of trials
    0 … n − window, told in order of their number. The same seed and window therefore give the same suggestions,
    whichever worker finishes first. ``repeats`` is how many of the trials measure the best networks again, None to leave
    that to the rule of ``search.repeats``.
    """

    sampler: str = "controller"
    objective: Objective = field(default_factory=Objective)
    budgets: Budgets = field(default_factory=Budgets)
    window: int = 1
    repeats: int | None = 0
    pruner: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window < 1:
            raise InputError.of("window", "1 or more", self.window)
        if self.repeats is not None and not 0 <= self.repeats < self.trials:
            raise InputError.of("repeats", f"0 to {self.trials - 1}, fewer than trials", self.repeats)
        if self.pruner not in pruners():
            raise UnknownNameError("pruner", self.pruner, pruners())
