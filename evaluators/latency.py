"""Measured latency: how long a forward pass takes on this device, as the median of repeats after a warm-up.

Unlike MACs a latency belongs to a machine, a number of threads and a batch size, which are kept with it. The
network is initialised but not trained: its speed does not depend on the values of its weights.
"""

from __future__ import annotations

import math
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import torch

from evaluators.device import limit_threads, pick_device
from evaluators.evaluator import Candidate, Evaluator, FidelitySchedule, Measurement, Report, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.network import build
from space.architecture import Architecture
from space.errors import InputError
from space.search_space import Option

MODES = ("eager", "exported", "compiled")


@dataclass(frozen=True)
class Latency:
    """Seconds of one forward pass of a batch: the median, the quartiles and the fastest of ``repeats``."""

    median_seconds: float
    lower_seconds: float
    upper_seconds: float
    fastest_seconds: float
    repeats: int
    batch: int
    mode: str
    device: str
    threads: int

    @property
    def spread(self) -> float:
        """The distance of the quartiles as a share of the median."""
        return (self.upper_seconds - self.lower_seconds) / self.median_seconds


def latency(
    architecture: Architecture,
    *,
    batch: int = 1,
    repeats: int = 30,
    warmup: int = 5,
    mode: str = "eager",
    device: str = "auto",
    threads: int | None = 1,
    channels_last: bool = True,
    stop: StopFlag | None = None,
) -> Latency:
    """The latency of ``architecture`` on this device, in evaluation mode.

    ``mode`` is "eager", "exported" (through ``torch.export``) or "compiled" (``torch.compile``).
    Raises InputError for bad settings, and Stopped once ``stop`` is set.
    """
    for name, value in (("batch", batch), ("repeats", repeats)):
        if not isinstance(value, int) or value < 1:
            raise InputError.of(name, "a positive whole number", value)
    if mode not in MODES:
        raise InputError.of("mode", f"one of {', '.join(MODES)}", mode)
    target = pick_device(device)
    limit_threads(threads, target)
    size = architecture.resolution
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.zeros(batch, architecture.in_channels, size, size, device=target).to(memory_format=layout)
    network = build(architecture, device=target).eval()
    network = network.to(memory_format=layout)  # type: ignore[call-overload]
    with torch.inference_mode():
        run = _runner(network, x, mode)
        for _ in range(warmup):
            _timed(run, target, stop)
        seconds = sorted(_timed(run, target, stop) for _ in range(repeats))
    lower, upper = (seconds[round(q * (len(seconds) - 1))] for q in (0.25, 0.75))
    name = torch.cuda.get_device_name(target) if target.type == "cuda" else f"cpu {platform.machine()}"
    return Latency(
        statistics.median(seconds),
        lower,
        upper,
        seconds[0],
        repeats,
        batch,
        mode,
        name,
        torch.get_num_threads(),
    )


def _runner(network: torch.nn.Module, x: torch.Tensor, mode: str) -> Callable[[], Any]:
    if mode == "exported":
        module: Any = torch.export.export(network, (x,)).module()
        return lambda: module(x)
    if mode == "compiled":
        module = torch.compile(network)
        return lambda: module(x)
    return lambda: network(x)


def _timed(run: Callable[[], Any], device: torch.device, stop: StopFlag | None) -> float:
    """Seconds of one run. Raises Stopped instead once ``stop`` is set."""
    if stop is not None:
        stop.check()
    started = time.perf_counter()
    run()
    _synchronise(device)
    return time.perf_counter() - started


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True)
class LatencyEvaluator(Evaluator):
    """Latency as a proxy: the faster network scores higher, by −median seconds in ``extra["score"]``."""

    batch: int = 1
    repeats: int = 30
    mode: str = "eager"
    device: str = "auto"
    threads: int | None = 1

    def describe(self) -> dict[str, Any]:
        """Batch, repeats and mode."""
        return {"evaluator": "latency", **asdict(self)}

    def time(self, candidate: Candidate, stop: StopFlag) -> Latency:
        """The latency of the candidate's network."""
        return latency(candidate.network("time"), **asdict(self), stop=stop)

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """One measurement; nobody measured an accuracy, so that is NaN."""
        started = time.perf_counter()
        found = self.time(candidate, stop)
        extra = {"score": -found.median_seconds, "latency": asdict(found)}
        yield Measurement(1, math.nan, None, time.perf_counter() - started, extra)


@dataclass(frozen=True)
class TimedEvaluator(Evaluator):
    """Measures each candidate's latency on its worker's device, then has ``inner`` train or validate it.

    Every measurement carries ``extra["latency_seconds"]`` and ``extra["latency_spread"]``, of the whole network,
    whatever the fidelity of its training. A network slower than ``most_seconds`` is not trained: its only
    measurement is of epoch 0 and has no accuracy.
    """

    inner: Evaluator
    settings: LatencyEvaluator
    most_seconds: float | None = None
    images: ImageSet | None = field(init=False)
    shared_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", self.inner.images)
        object.__setattr__(self, "shared_seconds", self.inner.shared_seconds)

    @property
    def fidelity(self) -> dict[str, Any]:
        """The inner evaluator's."""
        return self.inner.fidelity

    @property
    def schedule(self) -> FidelitySchedule:
        """The inner evaluator's."""
        return self.inner.schedule

    def measurements(self, decisions: Mapping[str, Option]) -> int | None:
        """The inner evaluator's."""
        return self.inner.measurements(decisions)

    def describe(self) -> dict[str, Any]:
        """What the inner evaluator says, and how latency is measured."""
        return {**self.inner.describe(), "latency": asdict(self.settings)}

    def prepare(self, seeds: Sequence[int], *, threads: int | None, report: Report) -> Self:
        """Prepares the inner evaluator."""
        return replace(self, inner=self.inner.prepare(seeds, threads=threads, report=report))

    @property
    def doubts(self) -> Sequence[str]:
        """The inner evaluator's."""
        return self.inner.doubts

    def probe(self) -> None:
        """The inner evaluator's."""
        self.inner.probe()

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """The latency first, then what the inner evaluator measures. Raises what that raises."""
        started = time.perf_counter()
        found = self.settings.time(candidate, stop)
        timing = time.perf_counter() - started
        extra = {"latency_seconds": found.median_seconds, "latency_spread": found.spread}
        if self.most_seconds is not None and found.median_seconds > self.most_seconds:
            yield Measurement(0, math.nan, None, timing, extra)
            return
        for measured in self.inner.evaluate(candidate, stop):
            yield replace(measured, seconds=measured.seconds + timing, extra={**measured.extra, **extra})
