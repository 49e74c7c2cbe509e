"""How long a search takes, before it begins: an order of magnitude, from the networks' MACs and what workers do in a second."""

from __future__ import annotations

from nascale.quantities import human_count

MACS_PER_SECOND = 3e9
"""Of one worker on one processor, as small networks train: about a tenth of its peak."""
BACKWARD = 3.0
"""A step of training beside a forward pass: the backward pass takes twice as much."""
OVERHEAD_SECONDS = 1.0
"""Of each trial besides: making the network, looking at the validation images, storing the result."""


def hours(macs: float, images: int, epochs: int, trials: int, workers: int) -> tuple[float, str]:
    """(hours, what they are reckoned from) of ``trials`` trainings of networks of ``macs`` on ``images`` for ``epochs``."""
    each = BACKWARD * macs * images * epochs / MACS_PER_SECOND + OVERHEAD_SECONDS
    basis = (
        f"{trials} networks of {human_count(macs)} MACs, {epochs} epochs of {images:,} images, "
        f"{human_count(MACS_PER_SECOND)} MACs a second for each of {workers} workers"
    )
    return each * trials / workers / 3600, basis
