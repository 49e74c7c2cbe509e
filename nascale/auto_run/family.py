"""The family of the network: scaled to half, twice, four and eight times its MACs, with the accuracies that are to be expected.

No member is trained. The expectation goes from the accuracy of the network itself along the line that the search's own networks
lie on: the logarithm of their error against that of their MACs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from nascale.family_files import member_name, member_row, write_family
from results.intervals import Estimate
from space.architecture import Architecture
from space.cost import costs
from space.errors import BudgetError, InputError
from space.family import Member
from space.family import family as scaled

STEPS = (0.5, 2.0, 4.0, 8.0)
LEVEL = 0.9
_FEWEST = 6
_LEAST_ERROR = 1e-3


@dataclass(frozen=True)
class ErrorLine:
    """log error = … + ``slope`` · log MACs, with the slope's standard error and the ``freedom`` that it was found with.

    Among networks that are trained shortly the large ones need not be the better ones. One that is scaled up and trained to its end
    is expected to be no worse, so slopes above zero count as impossible: what is expected is the median of the others.
    """

    slope: float
    error: float
    freedom: int

    @classmethod
    def of(cls, macs: NDArray[Any], accuracies: NDArray[Any]) -> ErrorLine | None:
        """The line of networks; None for fewer than six, or where all cost the same."""
        x, y = np.log(np.asarray(macs, dtype=float)), np.log(np.maximum(1 - accuracies, _LEAST_ERROR))
        if len(x) < _FEWEST or np.ptp(x) == 0:
            return None
        square = float(((x - x.mean()) ** 2).sum())
        slope = float(((x - x.mean()) * (y - y.mean())).sum() / square)
        freedom = len(x) - 2
        left = y - y.mean() - slope * (x - x.mean())
        return cls(slope, sqrt(float((left**2).sum()) / freedom / square), freedom)

    def predicted(self, accuracy: Estimate, factor: float) -> Estimate:
        """The accuracy at ``factor`` times the MACs of a network of ``accuracy``, with its interval."""
        low, slope, high = map(self._slope, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
        wrong = 1 - accuracy.value

        def at(slope: float, error: float) -> float:
            return 1 - min(1.0, error * exp(slope * log(factor)))

        middle = at(slope, wrong)
        of_slope = [at(low, wrong), at(high, wrong)]
        of_images = [at(slope, 1 - accuracy.low), at(slope, 1 - accuracy.high)]
        below, above = (
            sqrt(sum((pick(values) - middle) ** 2 for values in (of_slope, of_images))) for pick in (min, max)
        )
        return Estimate(middle, max(0.0, middle - below), min(1.0, middle + above))

    def _slope(self, share: float) -> float:
        """The quantile of the slopes below zero: Student's t about ``slope``, cut off there."""
        below = float(stdtr(self.freedom, -self.slope / self.error)) if self.error else 0.0
        if below == 0:  # all that is possible is on one side, or so far away that no number tells it
            return min(self.slope, 0.0)
        return min(0.0, self.slope + self.error * float(stdtrit(self.freedom, share * below)))


def members(network: Architecture, max_resolution: int | None = None) -> list[Member]:
    """The network scaled to ``STEPS`` of its MACs; a step to which it cannot be scaled is left out, as is
    one to which no other network than that of a smaller step comes.

    The resolution goes no further than ``max_resolution`` (pixels), or the network's own where that is more.
    """
    whole, steps = costs(network).macs, list(STEPS)
    while steps:
        try:
            found = scaled(
                network,
                [step * whole for step in steps],
                lambda one: float(costs(one).macs),
                max_resolution=max_resolution,
            )
            # Where nothing uses a budget, there is the network of a smaller one again.
            return [one for at, one in enumerate(found) if one.architecture not in _networks(found[:at])]
        except (BudgetError, InputError):
            # Only the smallest can be too small for what rounding allows, and only the largest too large.
            steps = steps[1:] if steps[0] < 1 else steps[:-1]
    return []


def _networks(some: Sequence[Member]) -> list[Architecture]:
    return [one.architecture for one in some]


def write(
    folder: Path,
    network: Architecture,
    family: Sequence[Member],
    accuracy: Estimate,
    line: ErrorLine | None,
) -> list[dict[str, Any]]:
    """Writes the family into ``folder`` as ``nascale scale family`` does; its rows, with the expected accuracies."""
    named = [one.architecture.replace(name=member_name(network, one, "macs")) for one in family]
    rows = [member_row(one, made, "macs") for one, made in zip(family, named, strict=True)]
    if rows:
        write_family(folder, network, named, rows, "macs", "--out")
    for row in rows:
        expected = None if line is None else line.predicted(accuracy, row["macs"] / costs(network).macs)
        row |= _figures(expected)
        row["file"] = Path(row["file"]).name
    return rows


def _figures(expected: Estimate | None) -> Mapping[str, float | None]:
    if expected is None:
        return dict.fromkeys(("predicted_accuracy", "predicted_low", "predicted_high"))
    return {
        "predicted_accuracy": expected.value,
        "predicted_low": expected.low,
        "predicted_high": expected.high,
    }
