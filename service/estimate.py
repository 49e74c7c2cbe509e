"""How long a search takes, before it begins: an order of magnitude, from the networks' MACs and what workers do in a second."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import Literal

from nascale.quantities import human_count
from results.training_speed import training_seconds

MACS_PER_SECOND = 3e9
"""Of one worker on one processor, as small networks train: about a tenth of its peak."""
BACKWARD = 3.0
"""A step of training beside a forward pass: the backward pass takes twice as much."""
OVERHEAD_SECONDS = 1.0
"""Of each trial besides: making the network, looking at the validation images, storing the result."""


@dataclass(frozen=True)
class Rate:
    """What a training takes: ``seconds`` per MAC of the forward pass, image and epoch, and ``overhead`` seconds besides.

    ``trainings`` on this machine were measured; none of them is behind a fixed rate. A measured one holds all that they took.
    """

    seconds: float = BACKWARD / MACS_PER_SECOND
    overhead: float = OVERHEAD_SECONDS
    trainings: int = 0

    @property
    def kind(self) -> Literal["measured", "fixed"]:
        """Where it comes from."""
        return "measured" if self.trainings else "fixed"


FIXED = Rate()


def measured_rate(storage: str) -> Rate:
    """The median of the newest trainings in the storage that were finished on this machine; a fixed rate where there are none."""
    found = training_seconds(os.uname().nodename, storage)
    return Rate(statistics.median(found), 0.0, len(found)) if found else FIXED


def hours(
    macs: float, images: int, epochs: int, trials: int, workers: int, rate: Rate = FIXED
) -> tuple[float, str]:
    """(hours, what they are reckoned from) of ``trials`` trainings of networks of ``macs`` on ``images`` for ``epochs``."""
    each = rate.seconds * macs * images * epochs + rate.overhead
    origin = f", the median of {rate.trainings} trainings here" if rate.trainings else ""
    basis = (
        f"{trials} networks of {human_count(macs)} MACs, {epochs} epochs of {images:,} images, "
        f"{human_count(BACKWARD / rate.seconds)} MACs a second for each of {workers} workers{origin}"
    )
    return each * trials / workers / 3600, basis
