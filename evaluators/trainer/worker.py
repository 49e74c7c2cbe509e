"""What each worker of a shared training does, and the connection over which its leader and the driver talk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evaluators.device import limit_threads, make_deterministic
from evaluators.evaluator import StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.trained.run_folder import open_run
from evaluators.trainer.run_training import RunTraining
from evaluators.trainer.shared_training import SharedTraining
from evaluators.trainer.standing import Snapshot, Standing
from evaluators.trainer.team import Team
from space.errors import NascaleError

_TOLD_SECONDS = 0.25


class Link:
    """An actor beside the driver: the leader tells it where the training stands, and learns whether to stop."""

    def __init__(self) -> None:
        self._standing: Snapshot | None = None
        self._stopping = False

    def tell(self, standing: Snapshot) -> bool:
        """Takes where the training stands; whether it is to stop."""
        self._standing = standing
        return self._stopping

    def standing(self) -> Snapshot | None:
        """What was told last."""
        return self._standing

    def stop(self) -> None:
        """Has the training end after a checkpoint."""
        self._stopping = True


class LinkFollower:
    """Follows the leader's training: tells the link, without waiting for it, and sets ``stop`` when it is asked to."""

    def __init__(self, link: Any, stop: StopFlag) -> None:
        self._link, self._stop = link, stop
        self._answer: Any = None
        self._told, self._epoch = float("-inf"), -1

    def __call__(self, training: Standing) -> None:
        """Looks for the last answer; tells again after a moment, and after each epoch."""
        import ray

        if self._answer is not None and ray.wait([self._answer], timeout=0)[0]:
            if ray.get(self._answer):
                self._stop.set()
            self._answer = None
        now = time.monotonic()
        late = self._answer is None and now - self._told >= _TOLD_SECONDS
        if late or training.epoch != self._epoch:
            self._told, self._epoch = now, training.epoch
            self._answer = self._link.tell.remote(Snapshot.of(training))

    def flush(self) -> None:
        """Waits until what was told last has arrived."""
        import ray

        if self._answer is not None:
            ray.get(self._answer)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What every worker is given: how to make the training, its folder, the images (in Ray's store), the link.

    ``threads`` are the processors of one worker.
    """

    make: Callable[[ImageSet, Team], SharedTraining]
    folder: Path
    images: Any
    link: Any
    threads: int
    checkpoint_seconds: float
    json_lines: bool


def work(config: dict[Any, Any]) -> NascaleError | None:
    """Takes part in the training until it ends; returns why it ended early, where Ray need not try again.

    That is a divergence, a stop, or a folder that cannot be used. Whatever else is raised ends all workers, and Ray
    Train starts new ones, which go on from the checkpoint.
    """
    import ray
    from ray.train.torch import get_device

    given: Work = config["work"]
    device = get_device()
    assert isinstance(device, torch.device)
    limit_threads(given.threads, device)
    if device.type == "cuda":
        make_deterministic()
    team = Team(device)
    training = given.make(ray.get(given.images), team)
    if not team.leads:
        training.follow()
        return None
    stop = StopFlag()
    follow = LinkFollower(given.link, stop)
    train = RunTraining(
        open_run(given.folder),
        checkpoint_seconds=given.checkpoint_seconds,
        json_lines=given.json_lines,
        stop=stop,
        follow=follow,
    )
    ended = None
    try:
        train(training)
    except NascaleError as error:
        ended = error
    training.end()
    follow.flush()
    return ended
