"""Scores of a network at initialisation: no training, one or a few batches, larger is better.

Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS", compare most of these; each function names
the paper its formula is from. A score is only worth its seconds if it ranks networks better than ``macs``
and ``params`` do, which are here as the baselines: ``nascale bench proxies`` tells.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluators.evaluator import Candidate, Measurement
from evaluators.images.device_images import DeviceImages
from evaluators.images.image_set import ImageSet
from evaluators.network import Network, build
from evaluators.training import pick_device
from space.architecture import Architecture
from space.cost import costs
from space.errors import InputError, UnknownNameError

_NONLINEAR = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU)


@dataclass(frozen=True)
class Batch:
    """DeviceImages and labels on the network's device."""

    x: Tensor
    y: Tensor


Score = Callable[[Network, list[Batch]], float]


def _weights(network: Network) -> list[tuple[nn.Module, Tensor]]:
    return [(m, m.weight) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def _backward(network: Network, batch: Batch) -> None:
    network.zero_grad(set_to_none=True)
    F.cross_entropy(network(batch.x), batch.y).backward()  # type: ignore[no-untyped-call]


def grad_norm(network: Network, batches: list[Batch]) -> float:
    """Sum over layers of the L2 norm of the loss gradient (Abdelfattah et al. 2021, §3.2)."""
    _backward(network, batches[0])
    return float(sum(w.grad.norm() for _, w in _weights(network) if w.grad is not None))


def snip(network: Network, batches: list[Batch]) -> float:
    """Σ |θ · ∂L/∂θ| (Lee et al. 2019, eq. 4, summed over the network)."""
    _backward(network, batches[0])
    return float(sum((w.detach() * w.grad).abs().sum() for _, w in _weights(network) if w.grad is not None))


def grasp(network: Network, batches: list[Batch]) -> float:
    """−Σ θ · H ∂L/∂θ, the effect of the weights on gradient flow (Wang et al. 2020, eq. 8)."""
    weights = [w for _, w in _weights(network)]
    loss = F.cross_entropy(network(batches[0].x), batches[0].y)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    flow = sum((g * g.detach()).sum() for g in gradients)
    products = torch.autograd.grad(flow, weights)  # type: ignore[arg-type]
    return -float(sum((w.detach() * h).sum() for w, h in zip(weights, products, strict=True)))


def synflow(network: Network, batches: list[Batch]) -> float:
    """log Σ θ · ∂R/∂θ with |θ|, inputs of one and no normalisation (Tanaka et al. 2020, eq. 2, without data).

    Normalisations are passed over and the sum is taken in float64, as in Abdelfattah et al. 2021: with
    absolute weights a deep network's output overflows float32.
    """
    network = network.double().eval()
    with torch.no_grad():
        for p in network.parameters():
            p.abs_()
        for m in network.modules():
            if isinstance(m, nn.BatchNorm2d):
                # In evaluation with these statistics the normalisation is the identity.
                m.running_mean.zero_()  # type: ignore[union-attr]
                m.running_var.fill_(1.0 - m.eps)  # type: ignore[union-attr]
                m.weight.fill_(1.0)
                m.bias.zero_()
    network.zero_grad(set_to_none=True)
    network(torch.ones_like(batches[0].x[:1], dtype=torch.float64)).sum().backward()
    total = sum((w.detach() * w.grad).abs().sum() for _, w in _weights(network) if w.grad is not None)
    return math.log(max(float(total), 1e-300))


def naswot(network: Network, batches: list[Batch]) -> float:
    """log |det K|, K counting on how many rectifiers two images agree (Mellor et al. 2021, eq. 2)."""
    kernel: list[Tensor] = []

    def collect(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        code = (inputs[0].flatten(1) > 0).float()
        agreement = code @ code.T + (1 - code) @ (1 - code).T
        kernel.append(agreement.double())

    hooks = [m.register_forward_pre_hook(collect) for m in network.modules() if isinstance(m, _NONLINEAR)]
    with torch.no_grad():
        network(batches[0].x)
    for hook in hooks:
        hook.remove()
    if not kernel:
        return -math.inf
    _, value = torch.linalg.slogdet(torch.stack(kernel).sum(0).cpu())
    return float(value)


def jacob_cov(network: Network, batches: list[Batch]) -> float:
    """−Σ (log(σ+k) + 1/(σ+k)) over the eigenvalues of the input Jacobians' correlation (Mellor et al. 2020, v1, §3)."""
    x = batches[0].x.clone().requires_grad_()
    network(x).sum().backward()
    assert x.grad is not None
    rows = x.grad.flatten(1).double().cpu()
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T)
    k = 1e-5
    return -float((torch.log(eigenvalues.clamp_min(0) + k) + 1 / (eigenvalues.clamp_min(0) + k)).sum())


def fisher(network: Network, batches: list[Batch]) -> float:
    """Σ over channels of ½ (Σ activation · gradient)², averaged over images (Turner et al. 2020, eq. 4)."""
    terms: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.ndim == 4:
            activation = output.detach()
            output.register_hook(  # type: ignore[no-untyped-call]
                lambda g: terms.append(0.5 * (g * activation).sum((2, 3)).pow(2).mean(0).sum())
            )

    hooks = [
        m.register_forward_hook(keep) for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.Conv2d)
    ]
    _backward(network, batches[0])
    for hook in hooks:
        hook.remove()
    return float(sum(terms))


def zico(network: Network, batches: list[Batch]) -> float:
    """Σ over layers of log Σ E|g| / σ(g), across batches (Li et al. 2023, eq. 8); needs two batches."""
    first = [torch.zeros_like(w) for _, w in _weights(network)]
    second = [torch.zeros_like(w) for _, w in _weights(network)]
    for batch in batches:
        _backward(network, batch)
        for i, (_, w) in enumerate(_weights(network)):
            if w.grad is not None:
                first[i] += w.grad.abs()
                second[i] += w.grad.pow(2)
    total = 0.0
    for s, q in zip(first, second, strict=True):
        mean = s / len(batches)
        std = (q / len(batches) - mean.pow(2)).clamp_min(0).sqrt()
        value = float((mean[std > 0] / std[std > 0]).sum())
        total += math.log(value) if value > 0 else 0.0
    return total


SCORES: dict[str, Score] = {
    "synflow": synflow,
    "naswot": naswot,
    "jacob_cov": jacob_cov,
    "grad_norm": grad_norm,
    "snip": snip,
    "grasp": grasp,
    "fisher": fisher,
    "zico": zico,
}
BASELINES = ("macs", "params")


@dataclass(frozen=True, eq=False)
class ZeroCostEvaluator:
    """One score at initialisation, averaged over ``repeats`` draws of weights and batch.

    Its single measurement carries the score as ``extra["score"]``; the accuracy, which nobody measured, is
    NaN. ``macs`` and ``params`` come from the cost model.
    """

    images: ImageSet
    score: str = "naswot"
    batch_size: int = 64
    repeats: int = 1
    device: str = "auto"
    threads: int | None = 1
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.score not in SCORES and self.score not in BASELINES:
            raise UnknownNameError("score", self.score, [*SCORES, *BASELINES])
        if self.repeats < 1:
            raise InputError.of("repeats", "1 or more", self.repeats)
        if self.score in SCORES and not 2 <= self.batch_size <= len(self.images.train):
            wanted = f"2 to the {len(self.images.train)} training images of {self.images.name}"
            raise InputError.of("batch_size", wanted, self.batch_size)

    def describe(self) -> dict[str, Any]:
        """Score, batch, repeats and the data's checksum."""
        settings = {"score": self.score, "batch_size": self.batch_size, "repeats": self.repeats}
        return {"evaluator": "zero-cost", **settings, "data": self.images.describe()}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        if candidate.architecture is None:
            raise InputError.of("candidate.architecture", "a network to score", None)
        started = time.perf_counter()
        value = self.value(candidate.architecture, candidate.stream)
        yield Measurement(1, math.nan, None, time.perf_counter() - started, {"score": value})

    def value(self, architecture: Architecture, seed: int) -> float:
        """The score of an architecture; the same for the same seed."""
        if self.score in BASELINES:
            return float(getattr(costs(architecture), self.score))
        device = pick_device(self.device)
        if self.threads is not None and device.type == "cpu":
            torch.set_num_threads(self.threads)
        images = self._images(architecture.resolution, device)
        values = []
        for repeat in range(self.repeats):
            generator = torch.Generator().manual_seed(seed + repeat)
            torch.manual_seed(seed + repeat)
            order = torch.randperm(len(images), generator=generator)
            count = 2 if self.score == "zico" else 1
            size = min(self.batch_size, len(images) // count)
            batches = [
                Batch(*images.batch(order[i * size : (i + 1) * size].to(device))) for i in range(count)
            ]
            network = build(architecture, seed=seed + repeat, device=device)
            values.append(SCORES[self.score](network.train(), batches))
        return math.fsum(values) / len(values)

    def _images(self, resolution: int, device: torch.device) -> DeviceImages:
        key = (resolution, str(device))
        if key not in self._cache:
            # A few batches' worth of the training split is enough, and cheap to prepare.
            indices = self.images.train[:: max(1, len(self.images.train) // (16 * self.batch_size))]
            self._cache[key] = DeviceImages(self.images, indices, resolution, device)
        images: DeviceImages = self._cache[key]
        return images

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}
