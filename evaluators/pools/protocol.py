"""The protocol of pools: candidates in, events out.

The driver submits while a slot is free and polls for events. Whatever happens to a trial or its worker becomes an
event, so nothing that was submitted is lost. An implementation knows this module, and no other implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from evaluators.evaluator import Candidate, Failure, Measurement
from space.errors import InputError
from space.limits import MOST_WORKERS
from space.search_space import is_number, is_whole
from space.setting import setting

PATIENCE_SECONDS = 600.0
"""For how long a search puts up with a database or a machine that does not answer, where nothing else is asked for."""


@dataclass(frozen=True)
class Event:
    """What happened to trial ``number``: a measurement, a failure, its end, or a restart on a new worker.

    Exactly one of the four is set. After ``failure`` or ``done`` the slot is free and no more events come; after
    ``restarted`` (why) the trial's measurements begin again at epoch 1.
    """

    number: int
    measurement: Measurement | None = None
    failure: Failure | None = None
    done: bool = False
    worker: str = ""
    restarted: str = ""


class Pool(Protocol):
    """Slots in which trials run. Used from one thread, the driver's; a context manager that closes itself."""

    @property
    def slots(self) -> int:
        """Trials that can run at once."""

    @property
    def free(self) -> int:
        """Slots that take a candidate now."""

    def submit(self, candidate: Candidate) -> None:
        """Starts a trial. Raises RunError if no slot is free."""

    def poll(self, timeout: float | None = None) -> list[Event]:
        """Events since the last call; waits up to ``timeout`` seconds for the first (None: until one comes).

        Empty at once if nothing is running. Raises RunError where trials cannot be run any more: no worker measures any
        network, or the machine has failed all of them for too long.
        """

    def cancel(self, number: int) -> None:
        """Asks a running trial to end; returns at once, and no more events of the trial come.

        Its slot takes the next candidate at once too. That one starts when the cancelled trial has left its worker,
        which takes an evaluator one batch. One that has not left after a grace period is left behind.
        """

    def close(self) -> None:
        """Ends everything that is running and gives the workers back."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """How many workers there are, what each may use, and where they run.

    ``workers=0`` runs trials in a thread of this process. ``retries`` counts how often a trial whose worker died is
    begun again; ``trial_timeout`` is in seconds, 0 for none, None for one found by what other trials took. ``checkpoint_every`` is the seconds between checkpoints of a training (None: none). ``patience``
    is for how many seconds trials may fail by the machine's fault before the pool gives up. ``ray_address`` joins a running cluster, otherwise a local Ray is
    started for the pool's life. ``memory_bytes`` bounds what one CPU worker may allocate (None: its share of this
    machine).

    Raises InputError naming the setting, what was wanted and what came.
    """

    workers: int = setting(2, "int", "Ray workers; 0 trains in this process.", may_change=True)
    cpus_per_trial: float = setting(1.0, "float", "Processors of one worker.", may_change=True)
    gpus_per_trial: float = setting(0.0, "float", "Share of a GPU of one worker.", may_change=True)
    retries: int = setting(1, "int", "How often a trial whose worker died is begun again.", may_change=True)
    trial_timeout: float | None = setting(
        None,
        "span",
        "Longest time of one trial; 0 for any.  [default: ten times what the slowest took for its MACs, at least 5 min]",
        may_change=True,
    )
    checkpoint_every: float | None = setting(
        None,
        "seconds",
        "Time between checkpoints of each training, from which a trial that was stopped or killed goes on.  "
        "[default: none are made]",
        may_change=True,
    )
    ray_address: str | None = setting(
        None, "text", "Ray cluster to join.  [default: a local Ray for this run]", may_change=True
    )
    memory_bytes: int | None = None
    patience: float = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        timeout = self.trial_timeout
        for name, ok, wanted in (
            ("workers", is_whole(self.workers, 0, MOST_WORKERS), f"a whole number from 0 to {MOST_WORKERS}"),
            (
                "cpus_per_trial",
                _is_share(self.cpus_per_trial) and self.cpus_per_trial > 0,
                f"a positive {_SHARE}",
            ),
            ("gpus_per_trial", _is_share(self.gpus_per_trial), f"0 or a {_SHARE}"),
            ("retries", isinstance(self.retries, int) and self.retries >= 0, "a whole number, 0 or more"),
            ("trial_timeout", timeout is None or timeout >= 0, "seconds, 0 or more"),
        ):
            if not ok:
                raise InputError.of(name, wanted, getattr(self, name))


_SHARE = f"number up to {MOST_WORKERS}, a whole one if above 1 (as Ray has it)"


def _is_share(value: object) -> bool:
    """Whether ``value`` is what Ray takes for processors and GPUs of one worker."""
    return is_number(value, 0, MOST_WORKERS) and (float(value) <= 1 or float(value).is_integer())  # type: ignore[arg-type]
