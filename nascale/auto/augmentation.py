"""Which augmentation the last trainings get: measured on short ones, for the longer ones that follow.

Strong augmentation pays late: a network fits slower and forgets less. So what a short training loses by it is set against how
much faster its loss goes on falling. ``CATCHING_UP`` is what three image sets had in common (docs/auto.md has the table).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

Options = Mapping[str, Any]
"""Options of ``nascale train`` beside those that all trainings have."""
STRONG: Options = {"auto_augment": "trivial"}
FLIPPED: Options = {"auto_augment": "trivial", "flip": True}
FEWEST_EPOCHS = 60
"""Shorter trainings are not even tried with more augmentation."""
CATCHING_UP = 0.04
"""By how much the logarithm of the validation loss falls faster with strong augmentation, for each e-fold of the epochs."""


def candidates(given: Options) -> list[Options]:
    """What is worth a try beside the options that were ``given``; flips where they are neither asked for nor forbidden."""
    return [STRONG] if "flip" in given else [STRONG, FLIPPED]


@dataclass(frozen=True)
class Tried:
    """A training of ``epochs`` with ``options`` and the least validation loss that it reached."""

    options: Options
    epochs: int
    loss: float


def chosen(plain: Tried, tried: Sequence[Tried], epochs: int) -> Options:
    """The options for a training of so many ``epochs``, by short ones of the same network for the same time.

    The best of those ``tried`` is taken where it has caught up with ``plain`` by then.
    """
    best = min(tried, key=lambda one: one.loss, default=None)
    if best is None or best.loss <= 0 or plain.loss <= 0:
        return plain.options
    longer = max(1.0, epochs / max(1, plain.epochs))
    return best.options if log(best.loss / plain.loss) <= CATCHING_UP * log(longer) else plain.options


def words(options: Options) -> str:
    """The options as a reader knows them."""
    known = {"auto_augment": {"trivial": "TrivialAugment", "rand": "RandAugment"}, "flip": {True: "flips"}}
    return " and ".join(
        known.get(name, {}).get(value, f"{name} {value}") for name, value in sorted(options.items())
    )
