"""The recipe of a full training as a value: that of a search, and what only pays over many epochs. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.recipe import Recipe
from space.errors import InputError
from space.setting import setting

AUTO_AUGMENTS = ("none", "trivial", "rand")
LATEST, HIGHEST = "latest", "highest"
KEEPS = (LATEST, HIGHEST)


@dataclass(frozen=True, kw_only=True)
class FullRecipe(Recipe):
    """How a network is trained to the end.

    ``ema`` averages the weights over the steps (0: off); the average and the raw weights are both judged.
    ``random_resized_crop`` is the smallest share of an image's area that a random crop keeps (0: off; Szegedy et al.
    2015). ``auto_augment`` is TrivialAugment (Müller & Hutter 2021), RandAugment (Cubuk et al. 2020) or none.
    ``mixup`` (Zhang et al. 2018) and ``cutmix`` (Yun et al. 2019) are the α of their Beta(α, α), 0: off; where both
    are on, each batch gets one of them at random. ``random_erasing`` is the probability with which an image loses a
    rectangle (Zhong et al. 2020). ``patience`` is the number of epochs without a better validation accuracy after which
    the training stops (0: never).

    ``keep`` says whose weights are kept: those of the latest epoch whose validation accuracy is within one standard error
    of the highest (Breiman et al. 1984, "Classification and Regression Trees", §3.4.3, the 1 SE rule: the highest of many
    noisy figures is a lucky one; None too), or those of the highest.

    The defaults are for networks of a few million MACs, which lack capacity: in short trainings crops of a part, automatic
    augmentation, mixing and erasing cost them accuracy, and shifts alone keep long ones from learning the images by
    heart (docs/evaluators.md). The others are for larger networks and longer trainings.

    Raises InputError naming the setting, what was wanted and what came.
    """

    epochs: int = setting(60, "int", "Epochs of the training.")
    ema: float = setting(0.998, "float", "Decay of the average of the weights, for each step; 0 keeps none.")
    random_resized_crop: float = setting(
        0.0, "float", "Smallest share of the area that a random crop keeps (0.35); 0 does not crop."
    )
    crop: int | None = setting(
        None,
        "int",
        "Random shifts, in pixels.  [default: an eighth of the resolution, none with --random-resized-crop]",
    )
    flip: bool = setting(True, "flag", "Random horizontal flips.")
    auto_augment: str = setting(
        "none",
        "text",
        "trivial (TrivialAugment: one random change of colour or shape an image), rand (RandAugment: two) or none.",
    )
    mixup: float = setting(0.0, "float", "α of mixup, which blends pairs of images; 0 does not.")
    cutmix: float = setting(0.0, "float", "α of cutmix, which pastes a part of another image; 0 does not.")
    random_erasing: float = setting(0.0, "float", "Probability with which an image loses a rectangle.")
    label_smoothing: float = setting(0.1, "float", "Label smoothing.")
    patience: int = setting(0, "int", "Stop after so many epochs without a better accuracy; 0 never stops.")
    keep: str | None = setting(
        None,
        "text",
        "Whose weights are kept: latest (of the latest epoch whose validation accuracy is within one standard error of the "
        "highest) or highest.  [default: latest]",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, wanted in (("ema", "a decay in [0, 1)"), ("random_resized_crop", "a share in [0, 1)")):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError.of(name, wanted, value)
        if self.auto_augment not in AUTO_AUGMENTS:
            raise InputError.of("auto_augment", f"one of {', '.join(AUTO_AUGMENTS)}", self.auto_augment)
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError.of(name, "an α of 0 (off) or more", getattr(self, name))
        if not 0 <= self.random_erasing <= 1:
            raise InputError.of("random_erasing", "a probability in [0, 1]", self.random_erasing)
        if self.keep not in (None, *KEEPS):
            raise InputError.of("keep", " or ".join(KEEPS), self.keep)
        if self.patience < 0:
            raise InputError.of("patience", "epochs, 0 (off) or more", self.patience)

    def shift(self, side: int) -> int:
        """The largest random shift of images of ``side`` pixels, in pixels; crops of a part shift them already."""
        return 0 if self.crop is None and self.random_resized_crop else super().shift(side)
