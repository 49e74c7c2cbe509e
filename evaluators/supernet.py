"""One-shot evaluation: all networks of a space share one set of weights, which is trained once.

A training from scratch of a few epochs says more about how fast a network starts than about how good it becomes.
Here every step trains one network drawn from the space (single path, uniform: Guo et al. 2020, "Single
Path One-Shot Neural Architecture Search with Uniform Sampling"), and whatever operation stands at the same place
in two networks has the same weights. A candidate then inherits its weights, its normalisations are estimated anew on
training images, and it is validated: a second instead of a training. The accuracies rank; they are not
those that the networks reach by themselves.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from evaluators.augmentation import Images
from evaluators.data import ImageSet, unwritable, writable_cache
from evaluators.evaluator import Candidate, Measurement, Report
from evaluators.network import Layers, Network, initialise, module, residual_norms
from evaluators.training import (
    TrainEvaluator,
    accuracy_of,
    check_finite,
    make_deterministic,
    make_optimizer,
    pick_device,
    schedule,
    update,
    wants_bfloat16,
)
from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError, RunError
from space.graph import BatchNorm, Conv2d, Linear, Op
from space.lowering import lower
from space.search_space import SearchSpace

_DRAWS = 100
_NORM_BATCH = 256
_SAVING_SHARE = 0.05
_SURVEYED = 500
_MOST_UNTRAINED = 0.5

Weights = Mapping[str, NDArray[np.float32]]
Size = tuple[int, ...]


class SlicedConv2d(nn.Conv2d):
    """A convolution with the first channels of a larger one's weights."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[: self.out_channels, : self.in_channels // self.groups]
        bias = None if self.bias is None else self.bias[: self.out_channels]
        return F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class SlicedBatchNorm2d(nn.BatchNorm2d):
    """A normalisation with the first scales and shifts of a larger one, and no statistics until it is given some."""

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__(channels, eps, momentum, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self.weight[: self.num_features], self.bias[: self.num_features]
        batch = self.training or self.running_mean is None
        return F.batch_norm(x, self.running_mean, self.running_var, scale, shift, batch, 0.0, self.eps)


class SlicedLinear(nn.Linear):
    """A fully connected layer with the first features of a larger one's weights."""

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias[: self.out_features]
        return F.linear(x, self.weight[: self.out_features, : self.in_features], bias)


_SLICED = Layers(SlicedConv2d, SlicedBatchNorm2d, SlicedLinear)


def sized(op: Conv2d | BatchNorm | Linear, size: Size) -> Conv2d | BatchNorm | Linear:
    """The operation with other numbers of channels (``size_of``)."""
    match op:
        case Conv2d():
            groups = size[1] if op.depthwise else op.groups
            return dataclasses.replace(op, out_channels=size[0], in_channels=size[1], groups=groups)
        case BatchNorm():
            return dataclasses.replace(op, channels=size[0])
        case Linear():
            return dataclasses.replace(op, out_features=size[0], in_features=size[1])


def size_of(op: Conv2d | BatchNorm | Linear) -> Size:
    """(channels out, channels in), or (channels,) of a normalisation."""
    match op:
        case Conv2d():
            return op.out_channels, op.in_channels
        case BatchNorm():
            return (op.channels,)
        case Linear():
            return op.out_features, op.in_features


def place(path: str, op: Conv2d | BatchNorm | Linear) -> str:
    """Where an operation stands and what it is, its numbers of channels left out."""
    match op:
        case Conv2d():
            groups = "depthwise" if op.depthwise else op.groups
            return f"{path} {op.kernel[0]}x{op.kernel[1]} {groups}{' bias' if op.bias else ''}"
        case BatchNorm():
            return f"{path} norm"
        case Linear():
            return f"{path} linear{' bias' if op.bias else ''}"


class SharedWeights:
    """The modules of all networks, made of the same weights where they do the same at the same place.

    Places are paths (``stages.1.0.expand.conv``). ``sizes`` are the largest channel numbers by place: narrower
    operations use the first channels of those weights (Yu et al. 2019, "Slimmable Neural Networks"). A place that is
    not among them, or too small there, has weights of its own for each number of channels.

    Weights are made when a network first needs them, from ``trained`` where they are there, else initialised
    from (seed, place): the order in which networks come does not matter.
    """

    def __init__(
        self,
        seed: int,
        device: torch.device,
        *,
        sizes: Mapping[str, Size] | None = None,
        zero_last_norm: bool = True,
        channels_last: bool = True,
        trained: Weights | None = None,
    ) -> None:
        self._seed, self._device = seed, device
        self._sizes = sizes or {}
        self._zero_last_norm = zero_last_norm
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._trained = trained or {}
        self._modules: dict[tuple[str, Op, bool, bool], nn.Module] = {}
        self._wholes: dict[str, nn.Module] = {}
        self.names: dict[nn.Parameter, str] = {}

    def network(self, architecture: Architecture) -> Network:
        """The network with the shared weights. Its normalisations have no statistics but a batch's own."""
        graph = lower(architecture)
        zeros = set(residual_norms(graph)) if self._zero_last_norm else set()

        def module_of(path: str, op: Op, inplace: bool) -> nn.Module:
            key = (path, op, inplace, path in zeros)
            if key not in self._modules:
                if isinstance(op, Conv2d | BatchNorm | Linear):
                    self._modules[key] = self._made(path, op, path in zeros)
                else:
                    self._modules[key] = module(op, inplace)
            return self._modules[key]

        return Network(graph, auxiliaries=True, module_of=module_of)

    def untrained(self, network: Network) -> float:
        """Share of a network's weights, counted at the full width of their places, that are not trained."""
        sizes = [(p.numel(), self.names[p] in self._trained) for p in network.parameters()]
        return sum(n for n, trained in sizes if not trained) / max(1, sum(n for n, _ in sizes))

    def _made(self, path: str, op: Conv2d | BatchNorm | Linear, zero: bool) -> nn.Module:
        """The module of an operation, on its place's weights."""
        where = place(path, op) + (" zero" if zero else "")
        size = self._sizes.get(where)
        if size is None or any(ours > most for ours, most in zip(size_of(op), size, strict=True)):
            size = size_of(op)
            where += f" {'x'.join(map(str, size))}"
        if where not in self._wholes:
            self._wholes[where] = self._whole(where, sized(op, size), zero)
        with torch.device("meta"):
            sliced = module(op, layers=_SLICED)
        for name, parameter in self._wholes[where].named_parameters():
            setattr(sliced, name, parameter)
        return sliced

    def _whole(self, where: str, op: Conv2d | BatchNorm | Linear, zero: bool) -> nn.Module:
        """The module that holds a place's weights."""
        with torch.device(
            "meta"
        ):  # torch's own initialisation would draw from the generator that dropout uses
            whole = module(op)
        whole = whole.to_empty(device="cpu")
        digest = blake2b(f"{self._seed}:{where}".encode(), digest_size=8).digest()
        with torch.no_grad():
            initialise(whole, torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1))
            for name, parameter in whole.named_parameters():
                if zero and name == "weight":
                    parameter.zero_()
                known = self._trained.get(f"{where}.{name}")
                if known is not None:
                    parameter.copy_(torch.from_numpy(np.array(known)))
        whole.to(self._device, memory_format=self._format)  # type: ignore[call-overload]
        self.names |= {p: f"{where}.{name}" for name, p in whole.named_parameters()}
        return whole


class SupernetTraining:
    """The training of shared weights; the same (recipe, space, seed) gives the same ones on a CPU.

    Everything random of an epoch is drawn from (seed, epoch): ``state`` after one is all that another run needs
    to go on from there.
    """

    def __init__(
        self,
        settings: SupernetEvaluator,
        seed: int,
        threads: int | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        recipe = settings.recipe
        self._settings, self._recipe, self._seed = settings, recipe, seed
        self._device = pick_device(recipe.device)
        if self._device.type == "cuda":
            make_deterministic()
        elif threads is not None:
            torch.set_num_threads(threads)
        self._given = {name: w.numpy() for name, w in state["weights"].items()} if state else {}
        self._remembered: dict[str, dict[str, Tensor]] = dict(state["optimizer"]) if state else {}
        self._shared = settings.shared(seed, self._device, self._given)
        first = self._shared.network(settings.draw(random.Random(seed)))
        self._optimizer = make_optimizer(first.parameters(), recipe)
        self._autocast = wants_bfloat16(recipe.precision, self._device)

    def epoch(self, epoch: int) -> float:
        """One pass over the training images, each batch by another network; returns the mean loss.

        Raises Diverged.
        """
        settings, recipe = self._settings, self._recipe
        rng = random.Random(f"{self._seed}:{epoch}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        torch.manual_seed(rng.getrandbits(63))  # dropout and stochastic depth
        images = recipe.split("train", settings.resolution, self._device)
        steps = len(images) // recipe.batch_size
        augment = recipe.augmentation()
        order = torch.randperm(len(images), generator=generator).to(self._device)
        total = torch.zeros((), device=self._device)
        for step in range(steps):
            network = self._shared.network(settings.draw(rng)).train()
            self._turn_to(network)
            schedule(self._optimizer, (epoch - 1) * steps + step, recipe.epochs * steps, recipe.warmup)
            x, y = images.batch(order[step * recipe.batch_size : (step + 1) * recipe.batch_size])
            total += update(network, self._optimizer, augment(x, generator), y, recipe, self._autocast)
        mean = float(total) / steps
        check_finite(mean, epoch)
        return mean

    def _turn_to(self, network: Network) -> None:
        """Points the optimiser at one network's parameters: the others keep their momentum, and do not decay."""
        parameters = list(network.parameters())
        weights, plain = self._optimizer.param_groups
        weights["params"] = [p for p in parameters if p.ndim > 1]
        plain["params"] = [p for p in parameters if p.ndim <= 1]
        for p in parameters:
            if p not in self._optimizer.state:
                remembered = self._remembered.pop(self._shared.names[p], None)
                if remembered is None and self._recipe.optimizer == "sgd":
                    # Fused SGD wants a buffer for all parameters or for none; from zero it begins as from none.
                    remembered = {"momentum_buffer": torch.zeros_like(p)}
                if remembered is not None:
                    self._optimizer.state[p] = {k: v.to(p.device) for k, v in remembered.items()}

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The weights that a step has trained, by place and name."""
        state = self._optimizer.state
        ours = {n: p.detach().cpu().numpy().copy() for p, n in self._shared.names.items() if p in state}
        return {**self._given, **ours}

    def state(self) -> dict[str, Any]:
        """The trained weights, and what the optimiser remembers of each."""
        state = self._optimizer.state
        ours = {name: dict(state[p]) for p, name in self._shared.names.items() if p in state}
        weights = {name: torch.from_numpy(w) for name, w in self.weights().items()}
        return {"weights": weights, "optimizer": {**self._remembered, **ours}}


@dataclass(frozen=True, eq=False)
class SupernetEvaluator:
    """Validates candidates of ``space`` with shared weights.

    ``recipe`` says how these are trained (its ``epochs`` are the supernet's) and at which fidelity the
    candidates are validated; its ``score`` is the accuracy or the loss. ``elastic`` lets operations of different widths
    at a place share weights; otherwise only equal ones do. Only networks within ``limits`` (cost → bound,
    as ``{"macs": 5e6}``) take part in the training. ``statistics_images`` training images give each candidate's
    normalisations their statistics.

    ``prepare`` gives the evaluator its weights, one set for each seed a candidate may come with;
    ``shared_seconds`` is how long that took.
    """

    recipe: TrainEvaluator
    space: SearchSpace | None
    limits: Mapping[str, float] = field(default_factory=dict)
    elastic: bool = True
    statistics_images: int = 2048
    weights: Mapping[int, Weights] = field(default_factory=dict, repr=False)
    shared_seconds: float = 0.0
    sizes: Mapping[str, Size] = field(default_factory=dict, repr=False)
    identity: str = ""
    resolution: int = 0
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.recipe.score == "train_loss":
            raise InputError.of("score", "accuracy or loss (a supernet is validated)", "train_loss")
        if self.recipe.compile:
            raise InputError.of("compile", "off with a supernet: each step is another network", True)
        if self.statistics_images < self.recipe.batch_size:
            wanted = f"{self.recipe.batch_size} (a batch) or more"
            raise InputError.of("statistics_images", wanted, self.statistics_images)
        if self.space is None:
            return
        if self.space.build is None:
            raise InputError.of("supernet", "a space with networks", self.space.name)
        rng = random.Random(0)
        some = [self.space.decode(self.space.sample(rng)) for _ in range(8)]
        about = (self.space.name, self.space.decisions, [network.key for network in some])
        object.__setattr__(self, "identity", blake2b(repr(about).encode(), digest_size=10).hexdigest())
        object.__setattr__(self, "resolution", self.recipe.fitted(some[0]).resolution)
        if self.elastic and not self.sizes:
            object.__setattr__(self, "sizes", self._largest())

    @property
    def images(self) -> ImageSet:
        return self.recipe.images

    @property
    def fidelity(self) -> dict[str, Any]:
        """The recipe's, of the shared training."""
        return {**self.recipe.fidelity, "supernet": True}

    def describe(self) -> dict[str, Any]:
        """Recipe and data, the space by name and by a digest, and the limits."""
        return {
            **self.recipe.describe(),
            "evaluator": "supernet",
            "space": self.identity,
            "limits": dict(self.limits),
            "elastic": self.elastic,
            "statistics_images": self.statistics_images,
        }

    def draw(self, rng: random.Random) -> Architecture:
        """A random network within the limits, at the recipe's fidelity; if many draws find none, the nearest to them."""
        assert self.space is not None
        nearest, least = None, float("inf")
        for _ in range(_DRAWS):
            architecture = self.space.decode(self.space.sample(rng))
            excess = self._excess(architecture)
            if excess <= 1:
                return self.recipe.fitted(architecture)
            if excess < least:
                nearest, least = architecture, excess
        assert nearest is not None
        return self.recipe.fitted(nearest)

    def _largest(self) -> dict[str, Size]:
        """The largest sizes by place among random networks of the space."""
        rng = random.Random(0)
        sizes: dict[str, Size] = {}
        for _ in range(_SURVEYED):
            graph = lower(self.draw(rng))
            zeros = set(residual_norms(graph)) if self.recipe.zero_last_norm else set()
            for node in graph.nodes:
                if isinstance(node.op, Conv2d | BatchNorm | Linear):
                    where = place(node.path, node.op) + (" zero" if node.path in zeros else "")
                    size = size_of(node.op)
                    known = sizes.get(where, size)
                    sizes[where] = tuple(max(pair) for pair in zip(size, known, strict=True))
        return sizes

    def _excess(self, architecture: Architecture) -> float:
        if not self.limits:
            return 0.0
        known = costs(architecture)
        return max(float(getattr(known, cost)) / bound for cost, bound in self.limits.items())

    def shared(self, seed: int, device: torch.device, trained: Weights | None) -> SharedWeights:
        """Weights to be shared, the ``trained`` ones first."""
        recipe = self.recipe
        return SharedWeights(
            seed,
            device,
            sizes=self.sizes,
            zero_last_norm=recipe.zero_last_norm,
            channels_last=recipe.channels_last,
            trained=trained,
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

        They are kept in ``folder`` (``NASCALE_CACHE``, else ``~/.cache/nascale``), as often as takes a twentieth of
        the time: a training that was stopped goes on from there, and one that is finished is not done again.
        Raises Diverged.
        """
        found, seconds = {}, 0.0
        for seed in seeds:
            found[seed], spent = self._trained(seed, threads, writable_cache(folder), report)
            seconds += spent
        return replace(self, weights=found, shared_seconds=seconds, _cache={})

    def _trained(self, seed: int, threads: int | None, folder: Path, report: Report) -> tuple[Weights, float]:
        about = {name: value for name, value in self.describe().items() if name != "statistics_images"}
        digest = blake2b(repr((seed, sorted(about.items(), key=str))).encode(), digest_size=10)
        path = folder / f"supernet-{digest.hexdigest()}.pt"
        kept = _read(path)
        epochs = self.recipe.epochs
        done, before = (kept["epoch"], kept["seconds"]) if kept else (0, 0.0)
        if kept and done == epochs:
            return {name: w.numpy() for name, w in kept["state"]["weights"].items()}, before
        training = SupernetTraining(self, seed, threads, kept["state"] if kept else None)
        started = due = time.perf_counter()
        for epoch in range(done + 1, epochs + 1):
            loss = training.epoch(epoch)
            ended = time.perf_counter()
            seconds = before + ended - started
            if ended >= due or epoch == epochs:
                _write(path, {"epoch": epoch, "seconds": seconds, "state": training.state()})
                written = time.perf_counter()
                due = written + (written - ended) / _SAVING_SHARE
            report(epoch, epochs, loss, seconds)
        return training.weights(), seconds

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        """One measurement: the candidate with the weights of its seed. ``extra["epochs"]`` is 0: none was trained.

        ``extra["untrained"]`` is the share of its parameters that the supernet's training never came to. Raises
        RunError where that is more than half: the accuracy would say nothing.
        """
        if candidate.architecture is None:
            raise InputError.of("candidate.architecture", "a network to validate", None)
        if candidate.seed not in self.weights:
            raise RunError(f"supernet: no weights of seed {candidate.seed}; prepare it first")
        started = time.perf_counter()
        recipe = self.recipe
        architecture = recipe.fitted(candidate.architecture)
        device = pick_device(recipe.device)
        recipe.check_memory(architecture, device)
        if recipe.threads is not None and device.type == "cpu":
            torch.set_num_threads(recipe.threads)
        key = (candidate.seed, str(device))
        if key not in self._cache:
            self._cache[key] = self.shared(candidate.seed, device, self.weights[candidate.seed])
        shared: SharedWeights = self._cache[key]
        network = shared.network(architecture).eval()
        untrained = shared.untrained(network)
        if untrained > _MOST_UNTRAINED:
            raise RunError(f"supernet: {untrained:.0%} of the network's weights were never trained")
        autocast = wants_bfloat16(recipe.precision, device)
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        try:
            estimate_statistics(
                network, norms, recipe.split("train", architecture.resolution, device), self.statistics_images
            )
            validation = recipe.split("validation", architecture.resolution, device)
            accuracy, loss = accuracy_of(network, validation, device, autocast)
        finally:
            for norm in norms:
                norm.running_mean = norm.running_var = None
        extra = {
            "score": accuracy if recipe.score == "accuracy" else -loss,
            "epochs": 0,
            "untrained": untrained,
            "device": str(device),
        }
        yield Measurement(1, accuracy, loss, time.perf_counter() - started, extra)

    def __getstate__(self) -> dict[str, Any]:
        # Workers draw no networks, and not every space can be pickled.
        return {**self.__dict__, "space": None, "_cache": {}}


def estimate_statistics(
    network: Network, norms: Sequence[nn.BatchNorm2d], images: Images, count: int
) -> None:
    """Gives ``norms`` the mean statistics of ``count`` images, drawn once for all networks, in batches.

    Only the norms are in training mode: nothing is dropped.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:count]
    batches = max(1, len(order) // _NORM_BATCH)
    sums: dict[nn.BatchNorm2d, tuple[Tensor, Tensor]] = {}

    def collect(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        variance, mean = torch.var_mean(inputs[0].float(), (0, 2, 3))
        sums[norm] = (sums[norm][0] + mean, sums[norm][1] + variance) if norm in sums else (mean, variance)

    hooks = [norm.register_forward_pre_hook(collect) for norm in norms]
    try:
        with torch.inference_mode():
            for positions in order.tensor_split(batches):
                network(images.batch(positions.to(images.labels.device))[0])
    finally:
        for hook in hooks:
            hook.remove()
    for norm, (mean, variance) in sums.items():
        norm.running_mean, norm.running_var = mean / batches, variance / batches


def _read(path: Path) -> dict[str, Any] | None:
    """A kept training; None where there is none, or what is there cannot be read."""
    try:
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError):
        return None
    return kept


def _write(path: Path, kept: Mapping[str, Any]) -> None:
    """Replaces the file at once: a kill leaves what was kept before."""
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        torch.save(dict(kept), beside)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError to torch
        beside.unlink(missing_ok=True)
        raise unwritable(path, error) from None
