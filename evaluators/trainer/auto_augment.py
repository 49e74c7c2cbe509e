"""TrivialAugment and RandAugment: each image gets random ones of fourteen changes, with random strengths.

A batch is drawn as a whole. The changes of place become one map for each image, so that they share the resampling of a
random crop; those of colour follow, in their order, on the images that drew the same one together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.trainer import colour as pixels
from evaluators.trainer.geometry import MOVES, moves, uniform

COLOURS = (
    "brightness",
    "contrast",
    "colour",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)


@dataclass(frozen=True)
class Policy:
    """How many changes an image gets, and how strong the strongest is.

    A strength is drawn uniformly in [0, 1], or is ``magnitude``. It is the share of ``shear`` (per length), ``translate``
    (of the side), ``rotate`` (degrees), ``blend`` (how far brightness, contrast, colour and sharpness go from 1, to
    either side), ``bits`` (that posterize drops) and of the brightness from which solarize inverts, from above.
    """

    changes: int
    magnitude: float | None
    shear: float
    translate: float
    rotate: float
    blend: float
    bits: int

    def draw(self, n: int, channels: int, generator: torch.Generator) -> list[Draw]:
        """The changes of n images, in order. Images of other than three channels have no change of saturation."""
        colours = COLOURS if channels == 3 else tuple(c for c in COLOURS if c != "colour")
        kinds = ("identity", *MOVES, *colours)
        u = uniform((self.changes, 3, n), generator)
        return [Draw(self, kinds, (row[0] * len(kinds)).long(), row[1], row[2] < 0.5) for row in u]


# Müller & Hutter 2021, the wide space, which shifts by up to 32 pixels whatever the size of the image; here shifts are
# shares of the side, as in RandAugment, because the sides that are trained here differ much.
TRIVIAL = Policy(changes=1, magnitude=None, shear=0.99, translate=150 / 331, rotate=135, blend=0.99, bits=6)
# Cubuk et al. 2020: two changes of magnitude 9 of 30.
RAND = Policy(changes=2, magnitude=9 / 30, shear=0.3, translate=150 / 331, rotate=30, blend=0.9, bits=4)

POLICIES = {"trivial": TRIVIAL, "rand": RAND}


@dataclass(frozen=True, eq=False)
class Draw:
    """One change for each image of a batch: its kind (n, an index into ``kinds``), strength (n) in [0, 1] and side (n)."""

    policy: Policy
    kinds: tuple[str, ...]
    kind: Tensor
    drawn: Tensor
    negative: Tensor

    @property
    def strength(self) -> Tensor:
        fixed = self.policy.magnitude
        return self.drawn if fixed is None else torch.full_like(self.drawn, fixed)

    def maps(self) -> Tensor:
        """The changes of place as maps (n, 3, 3); an image that drew another one stays where it is."""
        policy = self.policy
        largest = {
            "shear_x": policy.shear,
            "shear_y": policy.shear,
            "translate_x": policy.translate,
            "translate_y": policy.translate,
            "rotate": math.radians(policy.rotate),
        }
        signed = torch.where(self.negative, -self.strength, self.strength)
        return moves(
            {name: signed * most * (self.kind == self.kinds.index(name)) for name, most in largest.items()}
        )

    def colours(self) -> list[tuple[Tensor, Callable[[Tensor], Tensor]]]:
        """(indices of images, what changes their pixels) for each change of colour that was drawn."""
        found = []
        for name in COLOURS:
            if name in self.kinds:
                indices = (self.kind == self.kinds.index(name)).nonzero()[:, 0]
                if len(indices):
                    found.append((indices, self._change(name, indices)))
        return found

    def _change(self, name: str, indices: Tensor) -> Callable[[Tensor], Tensor]:
        strength, negative = self.strength[indices], self.negative[indices]
        if name in _ALONE:
            return _ALONE[name]
        match name:
            case "posterize":
                amount = 8 - (strength * self.policy.bits).round()
            case "solarize":
                amount = 1 - strength
            case _:
                amount = 1 + self.policy.blend * torch.where(negative, -strength, strength)
        return lambda x: _BY_AMOUNT[name](x, amount.to(x.device))


_ALONE: dict[str, Callable[[Tensor], Tensor]] = {
    "autocontrast": pixels.autocontrast,
    "equalize": pixels.equalize,
}
_BY_AMOUNT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "posterize": pixels.posterize,
    "solarize": pixels.solarize,
    "brightness": pixels.brightness,
    "contrast": pixels.contrast,
    "colour": pixels.colour,
    "sharpness": pixels.sharpness,
}
