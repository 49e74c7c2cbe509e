"""The random changes of a full training, on whole batches where the network is.

In this order: crop and changes of place in one resampling; padded shift and flip; changes of colour; cutout and random
erasing; mixup or cutmix. Torchvision's transforms work on one image at a time, or give a batch one common draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.full_recipe import FullRecipe
from evaluators.images.augmentation import Augmentation
from evaluators.images.preparing import SMALLEST_STD
from evaluators.trainer.auto_augment import POLICIES, Draw
from evaluators.trainer.erasing import erased
from evaluators.trainer.geometry import crops, mirrored, resampled, resized
from evaluators.trainer.mixing import Mixing


@dataclass(frozen=True, eq=False)
class BatchAugmentation:
    """What a recipe does to the images of a batch; made by ``of``.

    Images come normalised, as ``DeviceImages`` gives them. Zero is the mean colour: what lies outside an image or is
    erased becomes that. Changes of colour need pixels in 0..1: ``mean`` and ``std`` (channels, 1, 1) undo the normalisation
    of the images that drew one, and do it again.
    """

    recipe: FullRecipe
    resolution: int
    mean: Tensor
    std: Tensor
    mixing: Mixing

    @classmethod
    def of(
        cls,
        recipe: FullRecipe,
        classes: int,
        resolution: int,
        statistics: tuple[tuple[float, ...], tuple[float, ...]],
    ) -> BatchAugmentation:
        """The changes of ``recipe`` at ``resolution`` pixels; ``statistics`` are those of the image set, (mean, std)."""
        mean, std = (torch.tensor(values)[:, None, None] for values in statistics)
        mixing = Mixing(classes, recipe.mixup, recipe.cutmix)
        return cls(recipe, resolution, mean, std.clamp_min(SMALLEST_STD), mixing)

    @torch.no_grad()
    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(changed images, targets) of a batch: x (n, channels, side, side) of any side, y (n) labels.

        Images come back at the resolution; targets are the labels, or (n, classes) where images are mixed. Every draw
        is from ``generator``. ``x`` is not changed, and is itself what comes back where nothing is switched on.
        """
        recipe = self.recipe
        policy = POLICIES.get(recipe.auto_augment)
        draws = policy.draw(len(x), x.shape[1], generator) if policy else []
        given = x
        x = self._placed(x, draws, generator)
        x = Augmentation(crop=recipe.shift(self.resolution))(x, generator)
        if draws:
            x = self._coloured(x.clone() if x is given else x, draws)
        x = Augmentation(cutout=recipe.cutout)(x, generator)
        if recipe.random_erasing:
            x = erased(x, recipe.random_erasing, generator)
        return self.mixing(x, y, generator)

    def _placed(self, x: Tensor, draws: list[Draw], generator: torch.Generator) -> Tensor:
        """The images at the resolution, cropped, mirrored and moved."""
        recipe = self.recipe
        if recipe.random_resized_crop:
            maps = crops(len(x), recipe.random_resized_crop, generator)
            if recipe.flip:
                maps = mirrored(maps, generator)
            for draw in draws:
                maps = maps @ draw.maps()
            return resampled(x, maps, self.resolution)
        x = Augmentation(flip=recipe.flip)(resized(x, self.resolution), generator)
        for draw in draws:
            maps = draw.maps()
            moved = (maps != torch.eye(3, device=maps.device)).any(2).any(1).nonzero()[:, 0]
            indices = moved.to(x.device)
            x = x.index_copy(0, indices, resampled(x[indices], maps[moved], self.resolution))
        return x

    def _coloured(self, x: Tensor, draws: list[Draw]) -> Tensor:
        """The images, changed in colour where they lie."""
        mean, std = self.mean.to(x.device), self.std.to(x.device)
        for draw in draws:
            # One kind at a time: its few images stay in the cache of a processor through all of the steps.
            for indices, change in draw.colours():
                places = indices.to(x.device)
                pixels = x[places].mul_(std).add_(mean).clamp_(0, 1)
                x[places] = change(pixels).sub_(mean).div_(std)
        return x
