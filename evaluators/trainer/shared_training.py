"""A full training that several workers take part in, each with its part of every batch.

The leader's training is driven as any other: by steps, judgements, and perhaps a stored state. Whatever it is made to
do it tells the others, which ``follow``. Their weights are the same at every moment, so the leader alone judges them,
averages them and stores the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from evaluators.evaluator import StopFlag
from evaluators.full_recipe import FullRecipe
from evaluators.images.image_set import ImageSet
from evaluators.network import Network
from evaluators.trainer.epoch_metrics import EpochMetrics
from evaluators.trainer.full_training import FullTraining, Teacher
from evaluators.trainer.team import Order, Team


class SharedTraining(FullTraining):
    """One worker's share of a training; ``recipe.batch_size`` counts the images of all workers together.

    Images are in the same order as without a team. Augmentation, dropout and stochastic depth are drawn anew for each
    worker. On CPUs a batch norm sees the images of its own worker.
    """

    def __init__(
        self,
        network: Network,
        resolution: int,
        images: ImageSet,
        recipe: FullRecipe,
        *,
        seed: int,
        team: Team,
        teacher: Teacher | None = None,
    ) -> None:
        self.team = team
        super().__init__(
            team.with_common_statistics(network),
            resolution,
            images,
            recipe,
            seed=seed,
            device=team.device,
            teacher=teacher,
        )
        averaging = team.averaging(self.network, network.idle)
        self.module = torch.compile(averaging) if recipe.compile else averaging
        if not team.leads:
            self.average = None

    def advance(self) -> None:
        self._tell(Order.STEP)
        super().advance()

    def judge(self, stop: StopFlag | None = None) -> EpochMetrics:
        row = super().judge(stop)
        self._tell(Order.CLOSE_EPOCH, row)
        return row

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._tell(Order.RESTORE, state)

    def end(self) -> None:
        """Lets the others go, whether the training has come to its end or not (leader)."""
        self._tell(Order.END)

    def follow(self) -> None:
        """Does what the leader does, until it has had enough (others)."""
        while True:
            order, what = self.team.hear()
            match order:
                case Order.STEP:
                    self.advance()
                case Order.CLOSE_EPOCH:
                    self.close_epoch(what)
                case Order.RESTORE:
                    self.restore(what)
                case Order.END:
                    return

    def check_loss(self) -> None:
        """The mean loss is the same for all: the leader says what is wrong with it, and ends the training."""
        if self.team.leads:
            super().check_loss()

    def _tell(self, order: Order, what: Any = None) -> None:
        if self.team.leads:
            self.team.tell(order, what)

    def _positions(self) -> Tensor:
        return self.team.part(super()._positions())

    def _update(self, x: Tensor, targets: Tensor) -> Tensor:
        return self.team.mean(super()._update(x, targets))

    def _generator(self, purpose: str, step: int) -> torch.Generator:
        own = f"{purpose} of {self.team.rank}" if purpose == "step" and self.team.rank else purpose
        return super()._generator(own, step)
