"""The contract of evaluators: a candidate goes in, one measurement per level of fidelity comes out.

An evaluator is a picklable value: settings and, for trainings, the images. ``evaluate`` is a generator, so its
caller sees each measurement at once, and looks at a flag between batches, so that a trial can be stopped. It may
raise: a pool turns every exception into a ``Failure``, a value with a reason, so that no trial is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Self

from results.trial_result import FAILURES, Status
from space.architecture import Architecture
from space.errors import InputError, RunError
from space.search_space import Option

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet


class OutOfMemory(RunError, MemoryError):
    """The candidate needs, or asked for, more memory than the device has."""


class NoRoom(RunError):
    """The machine has no memory left for the candidate, which others use; it would have enough."""


class Diverged(RunError, ArithmeticError):
    """The loss became infinite or not a number."""


class Stopped(RunError):
    """The evaluation ended early because its flag was set."""


class StopFlag:
    """Tells a running evaluation to end. One thread sets it, once; the evaluation looks at it between batches."""

    def __init__(self) -> None:
        self._set = False
        self.goes_on = False
        """Whether the trial is only interrupted, so that a checkpoint of it is of use."""

    def set(self, *, goes_on: bool = False) -> None:
        """Asks the evaluation to end; ``goes_on`` says that the trial will be begun again."""
        self.goes_on = goes_on
        self._set = True

    def is_set(self) -> bool:
        """Whether the evaluation is to end."""
        return self._set

    def check(self) -> None:
        """Raises Stopped if the evaluation is to end."""
        if self._set:
            raise Stopped("the trial was cancelled")


@dataclass(frozen=True)
class Candidate:
    """One network to measure: the trial's number, its decisions, its key, the network, and a seed.

    ``architecture`` is None where the decisions alone are looked up in a table. ``repeat`` counts the measurements of
    the network under this seed, from 0: each is independent of the others.
    """

    number: int
    decisions: Mapping[str, Any]
    key: str
    architecture: Architecture | None
    seed: int
    repeat: int = 0

    @property
    def stream(self) -> int:
        """A 63-bit seed that depends on (seed, key, repeat) alone, not on the worker or the order of trials."""
        again = f":{self.repeat}" if self.repeat else ""
        digest = blake2b(f"{self.seed}:{self.key}{again}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    def network(self, purpose: str) -> Architecture:
        """The architecture. Raises InputError, naming the ``purpose``, if there is none."""
        if self.architecture is None:
            raise InputError.of("candidate.architecture", f"a network to {purpose}", None)
        return self.architecture


COOLED = "cooled"
"""Of a measurement's extra figures: (epochs, validation loss, accuracy) at the end of each cool-down so far."""


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
    """Why a trial gave no result. ``status`` is a failed one: oom, nan, died, timeout or failed."""

    status: Status
    reason: str

    def __post_init__(self) -> None:
        if not self.status.failed:
            raise InputError.of("Failure.status", f"one of {', '.join(FAILURES)}", self.status)

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an exception stands for: out of memory and divergence have a status of their own."""
        text = " ".join(str(error).split()) or type(error).__name__
        name = type(error).__name__
        if isinstance(error, MemoryError) or "OutOfMemory" in name or _is_allocation(text):
            return cls(Status.OOM, text[:500])
        if isinstance(error, Diverged):
            return cls(Status.NAN, text[:500])
        return cls(
            Status.FAILED, (text if isinstance(error, RunError | InputError) else f"{name}: {text}")[:500]
        )


def _is_allocation(text: str) -> bool:
    """Whether the text is one of torch's messages about a failed allocation on a CPU or a GPU."""
    marks = ("can't allocate memory", "not enough memory", "CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return any(mark in text for mark in marks)


@dataclass(frozen=True)
class FidelitySchedule:
    """How a full trial rises in fidelity; the pruners are made for it.

    ``levels`` is the number of measurements of a full trial. ``restarts`` says that each level is a training of
    its own, with a whole learning-rate schedule; otherwise the levels are the epochs of one training.
    """

    levels: int = 1
    restarts: bool = False


ONE_LEVEL = FidelitySchedule()
"""One measurement, which nothing can stop early."""


Report = Callable[[int, int, float, float], None]
"""(epoch, epochs, mean training loss, seconds so far)"""


class Evaluator(ABC):
    """Measures candidates. Implementations can be pickled, and hold little but numpy arrays.

    Only ``evaluate`` and ``describe`` must be written. The rest has defaults that suit an evaluator that trains
    nothing beforehand, and knows nothing of a network but what it measures.
    """

    instant: ClassVar[bool] = False
    """Whether measuring takes no time to speak of, so that workers would only slow it down."""

    images: ImageSet | None = None
    """The images it measures on, if any."""

    shared_seconds: float = 0.0
    """Seconds that ``prepare`` took, for all candidates together."""

    @property
    def doubts(self) -> Sequence[str]:
        """What speaks against its results, known after ``prepare``: sentences for the user."""
        return ()

    @abstractmethod
    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """Yields one measurement per level of the schedule.

        It looks at ``stop`` at least once per batch, and ends early, by returning or by raising Stopped, once that
        is set. It may raise anything else.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the accuracies depend on (recipe, checksum of the data …), as JSON, for the study's provenance."""

    def probe(self) -> None:  # noqa: B027 - most need nothing of their process
        """Does once what every candidate needs of its process, with a network that is known to work.

        Raises whatever then is wrong with this process or its machine, whichever network comes.
        """

    def measure(self, candidate: Candidate) -> list[Measurement]:
        """All measurements of a candidate. Raises whatever ``evaluate`` raises."""
        return list(self.evaluate(candidate, StopFlag()))

    @property
    def fidelity(self) -> dict[str, Any]:
        """How thoroughly it measures (epochs, share of the images …), as it is stored with each result."""
        return {}

    @property
    def schedule(self) -> FidelitySchedule:
        """The measurements of a full trial."""
        return ONE_LEVEL

    @property
    def partial(self) -> bool:
        """Whether it has no answer for some assignments of its space."""
        return False

    def knows(self, decisions: Mapping[str, Option]) -> bool:
        """Whether it has an answer for these decisions."""
        return True

    def measurements(self, decisions: Mapping[str, Option]) -> int | None:
        """How many measurements of a network can differ by noise: None for any number, 1 where there is no noise."""
        return None

    def costs(self, decisions: Mapping[str, Option]) -> dict[str, float]:
        """The costs of a network that it knows without measuring, by name."""
        return {}

    def key(self, decisions: Mapping[str, Option]) -> str | None:
        """The key of the network, where it knows better than the space which decisions are the same network."""
        return None

    def summary(self) -> str | None:
        """One line on how far its answers can be trusted, where there is something to say."""
        return None

    def prepare(self, seeds: Sequence[int], *, threads: int | None, report: Report) -> Self:
        """The evaluator, ready for candidates of ``seeds``: does what is to be done once, before they come.

        ``threads`` bounds the processors it uses (None: all), ``report`` is called after each epoch.
        """
        return self
