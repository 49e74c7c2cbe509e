"""What a search maximises: accuracy, accuracy traded against one cost, or several objectives at once.

``accuracy``        validation accuracy, a fraction.
``balanced_accuracy``  the mean of the classes' validation accuracies: each class counts the same.
``timed_accuracy``  the validation accuracy as it is expected after trainings of equal time, where all have equal epochs.
``mnas``            accuracy × (cost / target)^w, the soft form of Tan et al. 2019 (MnasNet), eq. 2–3, w = −0.07.
                    The target only scales it, so the best network does not depend on the target.
``mnas-hard``       the same with w = 0 where the cost is within the target and w = −1 beyond it (their α, β):
                    the form for a search that should end at the target.
``accuracy,macs``   several objectives: accuracy (or balanced accuracy) upwards, each named cost downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from results.trial_result import MERITS
from space.cost import COST_NAMES
from space.errors import InputError, UnknownNameError

KINDS = ("accuracy", "mnas", "mnas-hard")
SOFT_EXPONENT = -0.07
"""MnasNet's w: doubling the latency is to buy 5 % relative accuracy."""


@dataclass(frozen=True)
class Objective:
    """How accuracy and costs become the values that a sampler is told.

    ``kind`` is one of ``KINDS``; ``cost``, ``target`` and ``exponent`` belong to the two mnas forms;
    ``minimised`` holds the costs of a search with several objectives (and then ``kind`` is ``accuracy``). ``merit`` is
    the figure of a measurement that is maximised; the mnas forms take the accuracy.
    """

    kind: str = "accuracy"
    cost: str = "macs"
    target: float | None = None
    exponent: float = SOFT_EXPONENT
    minimised: tuple[str, ...] = ()
    merit: str = "accuracy"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError("objective", self.kind, (*KINDS, *MERITS[1:], *COST_NAMES))
        for cost in (self.cost, *self.minimised):
            if cost not in COST_NAMES:
                raise UnknownNameError("objective", cost, COST_NAMES)
        if len(set(self.minimised)) != len(self.minimised):
            raise InputError.of("objective", "each cost once", ",".join(self.minimised))
        if self.minimised and self.kind != "accuracy":
            raise InputError.of("objective", "accuracy together with costs", self.kind)
        if self.kind != "accuracy" and not (self.target and self.target > 0):
            raise InputError.of("target", f"a positive {self.cost} for objective {self.kind}", self.target)
        if self.exponent >= 0:
            raise InputError.of("exponent", "a number below 0", self.exponent)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        cost: str = "macs",
        target: float | None = None,
        exponent: float = SOFT_EXPONENT,
    ) -> Objective:
        """The objective that ``text`` names: one of ``KINDS``, or one of ``MERITS`` and costs joined by commas."""
        names = [name.strip() for name in text.split(",")]
        if names[0] in MERITS:
            return cls("accuracy", cost, target, exponent, tuple(names[1:]), names[0])
        if len(names) == 1:
            return cls(names[0], cost, target, exponent)
        wanted = f"{', '.join(MERITS[:-1])} or {MERITS[-1]} first, then costs, for several objectives"
        raise InputError.of("objective", wanted, text)

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives' names in the order of the values."""
        return (self.merit if self.kind == "accuracy" else "reward", *self.minimised)

    @property
    def directions(self) -> tuple[str, ...]:
        """``maximize`` or ``minimize`` for each value."""
        return ("maximize", *("minimize" for _ in self.minimised))

    @property
    def costs_used(self) -> tuple[str, ...]:
        """The costs that the values are made of."""
        return self.minimised if self.kind == "accuracy" else (self.cost,)

    def values(self, accuracy: float, costs: Mapping[str, float]) -> tuple[float, ...]:
        """The values to store and tell, in the order of ``names``; ``accuracy`` is the merit.

        Raises InputError for a missing cost.
        """
        for cost in self.costs_used:
            if costs.get(cost) is None:
                raise InputError(
                    f"objective: wanted the {cost} of every network, got none from this evaluator"
                )
        if self.kind == "accuracy":
            return (accuracy, *(float(costs[cost]) for cost in self.minimised))
        return (accuracy * self.factor(float(costs[self.cost])),)

    def factor(self, cost: float) -> float:
        """What the accuracy is multiplied with at this cost."""
        assert self.target is not None
        ratio = cost / self.target
        if self.kind == "mnas":
            return float(ratio**self.exponent)
        return 1.0 if ratio <= 1 else 1 / ratio

    def upwards(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """The values with every objective to be maximised, as samplers take them."""
        return (values[0], *(-value for value in values[1:]))

    def sentence(self) -> str:
        """What the search maximises and what its exponent trades, in one sentence."""
        if self.minimised:
            return f"maximise {self.merit.replace('_', ' ')}, minimise {', '.join(self.minimised)}"
        if self.kind == "accuracy":
            return f"maximise {self.merit.replace('_', ' ')}"
        if self.kind == "mnas":
            return (
                f"maximise accuracy × ({self.cost} / {self.target:g})^{self.exponent:g}: doubling the "
                f"{self.cost} must buy a factor {2**-self.exponent:.4f} in accuracy, wherever the target lies"
            )
        return (
            f"maximise accuracy, × target / {self.cost} beyond {self.target:g}: past the target, doubling the "
            f"{self.cost} must buy a factor 2 in accuracy"
        )
