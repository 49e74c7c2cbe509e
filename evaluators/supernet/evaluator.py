"""Candidates are validated with the weights that all networks of their space share.

After a training from scratch of a few epochs, a network's accuracy says more about how fast it starts than about how good
it becomes. Here the shared weights are trained once (``evaluators.supernet.training``). A candidate takes its weights
from them, its normalisations get statistics of their own, and it is validated: a second instead of a training. The
accuracies rank the networks. They are lower than those that the networks reach by a training of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from evaluators.cache import writable_cache
from evaluators.device import limit_threads, pick_device, wants_bfloat16
from evaluators.evaluator import Candidate, Evaluator, Measurement, Report, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.supernet.kept_training import KeptTraining
from evaluators.supernet.networks import RandomNetworks
from evaluators.supernet.sliced import Size
from evaluators.supernet.statistics import estimate_statistics
from evaluators.supernet.training import SupernetTraining
from evaluators.supernet.weights import SharedWeights, Weights
from evaluators.training import TrainEvaluator
from evaluators.validation import Scores, accuracy_of
from space.architecture import Architecture
from space.errors import InputError, RunError
from space.search_space import Option, SearchSpace

_SAVING_SHARE = 0.05
_MOST_UNTRAINED = 0.5
_LEARNED = 0.9
"""A training loss above this share of what guessing by the classes' frequencies has says that little was learned."""


@dataclass(frozen=True, eq=False)
class SupernetEvaluator(Evaluator):
    """Validates candidates of ``space`` with shared weights.

    ``trainer`` says how these are trained (its ``epochs`` are the supernet's) and at which fidelity the
    candidates are validated; its ``score`` is the accuracy or the loss. With ``elastic``, operations of different widths
    at a place share weights; without it, only equal ones do. Only networks within ``limits`` (cost → bound,
    as ``{"macs": 5e6}``) take part in the training. ``statistics_images`` training images give each candidate's
    normalisations their statistics.

    ``prepare`` returns the evaluator with its weights, one set for each seed that a candidate may come with;
    ``shared_seconds`` is how long that took, ``losses`` the mean training losses of the last epochs in nats.
    """

    trainer: TrainEvaluator
    space: SearchSpace | None
    limits: Mapping[str, float] = field(default_factory=dict)
    elastic: bool = True
    statistics_images: int = 2048
    weights: Mapping[int, Weights] = field(default_factory=dict, repr=False)
    shared_seconds: float = 0.0
    losses: Mapping[int, float] = field(default_factory=dict)
    sizes: Mapping[str, Size] = field(default_factory=dict, repr=False)
    identity: str = ""
    resolution: int = 0
    images: ImageSet = field(init=False, repr=False)
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", self.trainer.images)
        if self.trainer.score == "train_loss":
            raise InputError.of("score", "accuracy or loss (a supernet is validated)", "train_loss")
        if self.trainer.recipe.compile:
            raise InputError.of("compile", "off with a supernet: each step is another network", True)
        if self.statistics_images < self.trainer.recipe.batch_size:
            wanted = f"{self.trainer.recipe.batch_size} (a batch) or more"
            raise InputError.of("statistics_images", wanted, self.statistics_images)
        if self.space is None:
            return
        if self.space.build is None:
            raise InputError.of("supernet", "a space with networks", self.space.name)
        networks = self.networks()
        object.__setattr__(self, "identity", networks.identity())
        object.__setattr__(self, "resolution", self.trainer.fitted(networks.some()[0]).resolution)
        if self.elastic and not self.sizes:
            object.__setattr__(self, "sizes", networks.largest_sizes(self.trainer.zero_last_norm))

    @property
    def fidelity(self) -> dict[str, Any]:
        """The trainer's, of the shared training."""
        return {**self.trainer.fidelity, "supernet": True}

    def measurements(self, decisions: Mapping[str, Option]) -> int | None:
        """One: an accuracy is a function of the network and the shared weights, which are trained once."""
        return 1

    def describe(self) -> dict[str, Any]:
        """Recipe and data, the space by a digest, and the limits."""
        return {
            **self.trainer.describe(),
            "evaluator": "supernet",
            "space": self.identity,
            "limits": dict(self.limits),
            "elastic": self.elastic,
            "statistics_images": self.statistics_images,
        }

    def networks(self) -> RandomNetworks:
        """The networks that take part in the training."""
        assert self.space is not None  # workers have no space, and do not train
        return RandomNetworks(self.space, self.limits, self.trainer.fitted)

    def shared(self, seed: int, device: torch.device, trained: Weights | None = None) -> SharedWeights:
        """Shared weights: the ``trained`` ones where there are, initialised ones otherwise."""
        return SharedWeights(
            seed,
            device,
            sizes=self.sizes,
            zero_last_norm=self.trainer.zero_last_norm,
            channels_last=self.trainer.channels_last,
            trained=trained,
        )

    def training(
        self, seed: int, *, threads: int | None = None, state: Mapping[str, Any] | None = None
    ) -> SupernetTraining:
        """The training of ``seed``, from the beginning or from an earlier ``state``."""
        given = {name: w.numpy() for name, w in state["weights"].items()} if state else {}
        shared = self.shared(seed, pick_device(self.trainer.recipe.device), given)
        return SupernetTraining(
            self.trainer,
            self.networks(),
            shared,
            self.resolution,
            seed,
            threads=threads,
            remembered=state["optimizer"] if state else None,
        )

    def prepare(
        self,
        seeds: Sequence[int] = (0,),
        *,
        threads: int | None = 1,
        folder: str | Path | None = None,
        report: Report = lambda epoch, epochs, loss, seconds: None,
    ) -> Self:
        """The evaluator with trained weights for ``seeds``.

        They are kept in ``folder`` (``NASCALE_CACHE``, else ``~/.cache/nascale``). Writing takes at most a twentieth of
        the time. A training that was stopped goes on from there, and one that is finished is not repeated.
        Raises Diverged, and InputError for a folder that cannot be written.
        """
        found, losses, seconds = {}, {}, 0.0
        for seed in seeds:
            found[seed], spent, loss = self._trained(seed, threads, writable_cache(folder), report)
            seconds += spent
            if loss is not None:
                losses[seed] = loss
        return replace(self, weights=found, losses=losses, shared_seconds=seconds, _cache={})

    @property
    def doubts(self) -> Sequence[str]:
        """One where the shared weights learned little: their ranking is then that of chance."""
        counts = np.bincount(self.images.labels[self.images.train])
        shares = counts[counts > 0] / counts.sum()
        guessing = -float(np.sum(shares * np.log(shares)))
        loss = max(self.losses.values(), default=0.0)
        if loss <= _LEARNED * guessing:
            return ()
        epochs = self.trainer.recipe.epochs
        return (
            f"the supernet learned little: its loss is {loss:.2f} after {epochs} epochs, where guessing has {guessing:.2f}; "
            "its ranking cannot be trusted, give it many times the epochs or train the networks from scratch",
        )

    def kept_in(self, folder: Path, seed: int) -> Path:
        """The file of the training of ``seed``; its name is a digest of everything that the weights depend on."""
        about = {name: value for name, value in self.describe().items() if name != "statistics_images"}
        digest = blake2b(repr((seed, sorted(about.items(), key=str))).encode(), digest_size=10)
        return folder / f"supernet-{digest.hexdigest()}.pt"

    def _trained(
        self, seed: int, threads: int | None, folder: Path, report: Report
    ) -> tuple[Weights, float, float | None]:
        """(weights, seconds of their training, its last loss where it is known)."""
        path = self.kept_in(folder, seed)
        kept = KeptTraining.read(path)
        epochs = self.trainer.recipe.epochs
        done, before = (kept.epoch, kept.seconds) if kept else (0, 0.0)
        if kept and done == epochs:
            return {name: w.numpy() for name, w in kept.state["weights"].items()}, before, kept.loss
        training = self.training(seed, threads=threads, state=kept.state if kept else None)
        started = due = time.perf_counter()
        loss = kept.loss if kept else None
        for epoch in range(done + 1, epochs + 1):
            loss = training.epoch(epoch)
            ended = time.perf_counter()
            seconds = before + ended - started
            if ended >= due or epoch == epochs:
                KeptTraining(epoch, seconds, training.state(), loss).write(path)
                written = time.perf_counter()
                due = written + (written - ended) / _SAVING_SHARE
            report(epoch, epochs, loss, seconds)
        return training.weights(), seconds, loss

    def probe(self) -> None:
        """The trainer's."""
        self.trainer.probe()

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """One measurement: the candidate with the weights of its seed. ``extra["epochs"]`` is 0: none was trained.

        ``extra["untrained"]`` is the share of its weights that the supernet's training never reached. Raises
        RunError if that is more than half, because the accuracy would then say nothing, and Stopped between two
        batches.
        """
        if candidate.seed not in self.weights:
            raise RunError(f"supernet: no weights of seed {candidate.seed}; prepare it first")
        started = time.perf_counter()
        trainer = self.trainer
        architecture = trainer.fitted(candidate.network("validate"))
        device = pick_device(trainer.recipe.device)
        trainer.check_memory(architecture, device)
        limit_threads(trainer.threads, device)
        found, untrained = self._validated(architecture, candidate.seed, device, stop)
        extra = {
            "score": found.accuracy if trainer.score == "accuracy" else -found.loss,
            "balanced_accuracy": found.balanced_accuracy,
            "epochs": 0,
            "untrained": untrained,
            "device": str(device),
        }
        yield Measurement(1, found.accuracy, found.loss, time.perf_counter() - started, extra)

    def _validated(
        self, architecture: Architecture, seed: int, device: torch.device, stop: StopFlag
    ) -> tuple[Scores, float]:
        """(how well the network does on the validation split, share of the weights that are not trained)."""
        key = (seed, str(device))
        if key not in self._cache:
            self._cache[key] = self.shared(seed, device, self.weights[seed])
        shared: SharedWeights = self._cache[key]
        network = shared.network(architecture).eval()
        untrained = shared.untrained(network)
        if untrained > _MOST_UNTRAINED:
            raise RunError(f"supernet: {untrained:.0%} of the network's weights were never trained")
        autocast = wants_bfloat16(self.trainer.recipe.precision, device)
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        images = {
            name: self.trainer.split(name, architecture.resolution, device)
            for name in ("train", "validation")
        }
        try:
            estimate_statistics(network, norms, images["train"], self.statistics_images, stop)
            found = accuracy_of(network, images["validation"], device, autocast=autocast, stop=stop)
        finally:
            for norm in norms:
                norm.running_mean = norm.running_var = None
        return found, untrained

    def __getstate__(self) -> dict[str, Any]:
        # Workers draw no networks, and not every space can be pickled.
        return {**self.__dict__, "space": None, "_cache": {}}
