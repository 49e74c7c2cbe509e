"""What an evaluator is: a candidate goes in, a measurement per epoch comes out, and failures are values.

An evaluator is a picklable value of settings (and, for training, the images). ``evaluate`` is a generator,
so whoever drives it can stop after any epoch. Raising is allowed: the pool turns every exception into a
``Failure`` with its reason, so that no trial is ever lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol, Self, runtime_checkable

from space.architecture import Architecture
from space.errors import InputError, RunError

FAILURES = ("failed", "oom", "nan", "died", "timeout")


class OutOfMemory(RunError, MemoryError):
    """The candidate needs, or asked for, more memory than the device has."""


class Diverged(RunError, ArithmeticError):
    """The loss became infinite or not a number."""


@dataclass(frozen=True)
class Candidate:
    """One network to measure: the trial's number, its decisions, its key, the network, and a seed.

    ``architecture`` is None where a table is asked by decisions alone.
    """

    number: int
    decisions: Mapping[str, Any]
    key: str
    architecture: Architecture | None
    seed: int

    @property
    def stream(self) -> int:
        """A 63-bit seed that is a function of (seed, key) alone: no worker or order of trials enters it."""
        digest = blake2b(f"{self.seed}:{self.key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class Measurement:
    """What is known after one epoch (from 1): validation accuracy in 0..1, loss in nats, seconds so far.

    ``extra`` holds further figures by name (``train_loss``, ``images_per_second``, ``truth`` …).
    """

    epoch: int
    accuracy: float
    loss: float | None
    seconds: float
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why a trial gave no result; ``kind`` is one of ``FAILURES``."""

    kind: str
    reason: str

    def __post_init__(self) -> None:
        if self.kind not in FAILURES:
            raise InputError.of("Failure.kind", f"one of {', '.join(FAILURES)}", self.kind)

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an exception stands for: out of memory and divergence are told apart."""
        text = " ".join(str(error).split()) or type(error).__name__
        name = type(error).__name__
        if isinstance(error, MemoryError) or "OutOfMemory" in name or _is_allocation(text):
            return cls("oom", text[:500])
        if isinstance(error, Diverged):
            return cls("nan", text[:500])
        return cls("failed", (text if isinstance(error, RunError | InputError) else f"{name}: {text}")[:500])


def _is_allocation(text: str) -> bool:
    """Whether the text is one of the messages that torch gives for a failed allocation on a CPU or a GPU."""
    marks = ("can't allocate memory", "not enough memory", "CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return any(mark in text for mark in marks)


@runtime_checkable
class Evaluator(Protocol):
    """Measures candidates. Implementations are picklable, and cheap to pickle or hold numpy arrays."""

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        """Yields one measurement per epoch; may raise."""

    def describe(self) -> dict[str, Any]:
        """What the accuracies depend on (fidelity, data checksum …), for the study's provenance."""


Report = Callable[[int, int, float, float], None]
"""(epoch, epochs, mean training loss, seconds so far)"""


@runtime_checkable
class Preparable(Evaluator, Protocol):
    """An evaluator with work to be done once, before candidates come; ``shared_seconds`` is how long it took."""

    @property
    def shared_seconds(self) -> float: ...

    def prepare(self, seeds: Sequence[int], *, threads: int | None, report: Report) -> Self:
        """The evaluator, ready for candidates of ``seeds``."""
