"""Which augmentation the last trainings get: measured on short ones, for the longer ones that follow.

More augmentation pays late: a network fits slower and forgets less. So what a short training loses by it is set against how
much faster its loss goes on falling. ``CATCHING_UP`` is about what was measured on three image sets for trainings of 100 epochs
or more. Beside TrivialAugment, flips have nothing to catch up with: a network that sees every image changed in another way does not
learn it by heart without them either (docs/auto-figures.md has the figures).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

Options = Mapping[str, Any]
"""Options of ``nascale train`` beside those that all trainings have."""
STRONGER: Options = {"auto_augment": "trivial"}
UNFLIPPED: Options = {"flip": False}
FEWEST_EPOCHS = 100
"""Before shorter trainings nothing is tried."""
CATCHING_UP = 0.1
"""By how much the logarithm of the validation loss falls faster with more augmentation, for each e-fold of the epochs."""
CHANCE = 0.02
"""What flips beside TrivialAugment may lose, in the same logarithm: short trainings are that noisy, and most photos may be flipped."""


def candidates(given: Options) -> list[Options]:
    """What is worth a try beside the options that were ``given``: more augmentation, and no flips unless they were asked for."""
    return [STRONGER] if "flip" in given else [STRONGER, UNFLIPPED]


@dataclass(frozen=True)
class Tried:
    """A training of ``epochs`` with ``options`` and the least validation loss that it reached, in nats."""

    options: Options
    epochs: int
    loss: float


def chosen(plain: Tried, tried: Sequence[Tried], epochs: int) -> Options:
    """The options for a training of so many ``epochs``, by short ones of the same network for the same time.

    Of two, the one with more augmentation is taken if it will have caught up by then. What was ``tried`` counts each for
    itself, in order, but that flips are allowed less once TrivialAugment is taken.
    """
    later = CATCHING_UP * log(max(1.0, epochs / max(1, plain.epochs)))
    options = dict(plain.options)
    for one in tried:
        stronger, weaker = (plain, one) if one.options == UNFLIPPED else (one, plain)
        beside = one.options == UNFLIPPED and STRONGER.items() <= options.items()
        allowed = min(CHANCE, later) if beside else later
        caught_up = stronger.loss <= 0 or (weaker.loss > 0 and log(stronger.loss / weaker.loss) <= allowed)
        if caught_up == (stronger is one):
            options |= one.options
    return options


def words(options: Options) -> str:
    """The options as a reader knows them."""
    known = {("auto_augment", "trivial"): "TrivialAugment", ("flip", False): "no flips"}
    return " and ".join(known.get(one, f"{one[0]} {one[1]}") for one in sorted(options.items()))
