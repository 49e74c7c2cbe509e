"""Whose fault it is that a trial has no result: its own, its worker's or the machine's.

What a network causes itself is a ``Failure``, which is stored and told. A ``Fault`` is not its own and never becomes its
result: the trial is begun again. The worker's is what keeps it from measuring any network at all: a package that cannot
be imported, images that are not there, a GPU that does not answer. The machine's is what passes: other programs fill its
memory, a node or an object is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from evaluators.evaluator import Diverged, Evaluator, Failure, NoRoom
from results.trial_result import Status
from space.errors import RunError

FEW = 3
"""Trials in a row that a worker may fail before it has measured anything."""
_LONGEST = 300
_LONGEST_PAUSE = 30.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SIZES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_USED = re.compile(r"memory used=([\d.]+) ?([KMGT]?B)")
_NODE = re.compile(r"was ([\d.]+) ?([KMGT]?B)(?: used)? / ([\d.]+) ?([KMGT]?B)")


class Blame(Enum):
    """Who is to blame for a fault."""

    WORKER = "worker"
    MACHINE = "machine"


@dataclass(frozen=True)
class Fault:
    """Why a trial has no result although its network may be fine."""

    blame: Blame
    reason: str


def blamed(error: BaseException, evaluator: Evaluator, worked: bool) -> Failure | Fault:
    """What an exception of a trial stands for; asked in the process in which it was raised.

    An unexpected one is the network's own fault only if ``evaluator`` still measures a network that is known to work.
    Where it does not, but ``worked`` before, the trial has broken its process: it died, as it were.
    """
    failure = Failure.of(error)
    if isinstance(error, NoRoom):
        return Fault(Blame.MACHINE, failure.reason)
    if failure.status is not Status.FAILED:
        return failure
    fault = fault_of_process(evaluator)
    if fault is not None and fault.blame is Blame.WORKER and worked:
        return Failure(Status.DIED, f"measures no network any more after: {failure.reason}")
    return fault or failure


def fault_of_process(evaluator: Evaluator) -> Fault | None:
    """Why this process measures no network at all with ``evaluator``; None if it does."""
    try:
        evaluator.probe()
    except Diverged:
        return None  # that is the recipe's doing
    except Exception as error:
        found = Failure.of(error)
        if isinstance(error, NoRoom) or found.status is Status.OOM:
            return Fault(Blame.MACHINE, found.reason)
        return Fault(Blame.WORKER, f"measures no network at all: {found.reason}")
    return None


def cause_of_loss(error: Exception, memory_bytes: int | None) -> Failure | Fault:
    """What an error of Ray stands for: a worker that died, was killed or never came up, a lost node or object.

    ``memory_bytes`` is what the worker could allocate.
    """
    from ray import exceptions

    text = " ".join(str(error).split())
    if isinstance(error, exceptions.OutOfMemoryError) or "running low on memory" in text:
        return _pressed(text, memory_bytes)
    if isinstance(error, _lost_kinds()) or "node has died" in text or "node_died" in text.lower():
        return Fault(Blame.MACHINE, f"was lost: {text[:_LONGEST]}")
    if isinstance(error, exceptions.ActorUnavailableError):
        return Fault(Blame.MACHINE, "does not answer (its process, its node or the way there is gone)")
    if isinstance(error, exceptions.RayActorError):
        reason = _death(text)
        if error.actor_init_failed:
            # Ray puts a traceback in colours before the line that says what was raised.
            lines = _COLOURS.sub("", str(error)).split("\n")
            return Fault(
                Blame.WORKER,
                f"did not start: {[line for line in lines if line.strip()][-1].strip()[:_LONGEST]}",
            )
        if "The actor never ran" in text:
            return Fault(Blame.WORKER, f"did not start: {reason}")
        return Failure(Status.DIED, reason)
    return Failure.of(error)  # an evaluator or a result that cannot be unpickled


def is_death(error: Exception, cause: Failure | Fault) -> bool:
    """Whether all that Ray knows of the ``error``, which stands for ``cause``, is that a worker's process is gone."""
    from ray import exceptions

    if not isinstance(error, exceptions.RayActorError) or error.actor_init_failed:
        return False
    return cause.status is Status.DIED if isinstance(cause, Failure) else cause.blame is Blame.WORKER


def _lost_kinds() -> tuple[type[Exception], ...]:
    """Ray's errors about nodes and objects that are gone, and stores that are full."""
    from ray import exceptions

    return (
        exceptions.NodeDiedError,
        exceptions.ObjectLostError,
        exceptions.ObjectStoreFullError,
        exceptions.OutOfDiskError,
        exceptions.RuntimeEnvSetupError,
        exceptions.WorkerCrashedError,
    )


def _pressed(text: str, memory_bytes: int | None) -> Failure | Fault:
    """A kill by Ray's memory monitor: the machine's fault, unless the worker itself held most of the memory.

    That is more than it could allocate, or, where nothing limits it, more than half of what the node has.
    """
    node = _NODE.search(text)
    # Where several were killed at once, nothing says which of them this one was: the smallest is taken.
    own = min((_bytes(*used) for used in _USED.findall(text)), default=0.0)
    total = _bytes(node[3], node[4]) if node else 0.0
    held = f" ({node[1]} {node[2]} of {node[3]} {node[4]} in use)" if node else ""
    if own > (memory_bytes or total / 2) > 0:
        return Failure(Status.OOM, f"was killed with {own / 2**30:.2f} GB{held}")
    return Fault(Blame.MACHINE, f"was killed because its node ran low on memory{held}")


def _bytes(number: str, unit: str) -> float:
    return float(number) * _SIZES[unit]


def _death(text: str) -> str:
    """Why an actor died, in one line, from what Ray says of it."""
    for mark in ("Worker exit detail:", "The actor is dead because", "died because"):
        if mark in text:
            detail = text.split(mark, 1)[1].strip()
            if "connection error code 2" in detail:
                return "died (killed, out of memory or crashed: the process is gone)"
            return f"died: {detail[:_LONGEST]}"
    return f"died: {text[-_LONGEST:]}"


class Endurance:
    """How long a pool puts up with a machine that fails its trials, and what it says of that.

    ``patience`` is in seconds, from the first fault after which no trial has come to its end.
    """

    def __init__(self, patience: float, say: Callable[[str], None]) -> None:
        self._patience, self._say = patience, say
        self._since: float | None = None
        self._faults = 0

    def fault(self, moment: float, begun: float, trial: int, worker: str, reason: str) -> float:
        """Takes a fault of the machine in a trial that was begun at ``begun``; the seconds to rest before the next try.

        Times are of ``time.monotonic``. Raises RunError once patience is at its end.
        """
        if self._since is None or moment - begun > self._patience:  # it went well for long before this
            self._since, self._faults = moment, 0
        if moment - self._since >= self._patience:
            raise RunError(
                f"workers: wanted a machine on which trials come to their end, got none within {self._patience:g} s "
                f"(--patience); the last, trial {trial}: {worker} {reason}. Nothing of that is held against a network"
            )
        pause = min(_LONGEST_PAUSE, 2.0**self._faults)
        self._faults += 1
        self._say(
            f"trial {trial}: {worker} {reason}; that is not held against the network, which is tried again in {pause:g} s"
        )
        return pause

    def ended(self) -> None:
        """Takes note that a trial has come to its end."""
        self._since = None
