"""One trial as one typed record: what was tried, how it ended, what was measured.

The search loop makes it, a storage keeps it, samplers are told it, and a frame has one row for it. The fields that
hold figures declare their unit, direction and meaning; ``results.frame.COLUMNS`` and its documentation are made
of these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from space.measure import measure

Option = str | int | float | bool | None


class Status(StrEnum):
    """How a trial ended, or where it stands. ``state`` is the name of Optuna's state for it."""

    OK = "ok", "COMPLETE", "measured to the end"
    REUSED = "reused", "COMPLETE", "a cache hit: an earlier trial measured the same network"
    PRUNED = "pruned", "PRUNED", "stopped early by the pruner"
    INFEASIBLE = "infeasible", "PRUNED", "over a budget that is known only once measured, so not trained"
    FAILED = "failed", "FAIL", "the evaluator raised an error, or gave no accuracy"
    OOM = "oom", "FAIL", "needs more memory than its worker may use"
    NAN = "nan", "FAIL", "the loss became infinite or not a number"
    DIED = "died", "FAIL", "its worker process died"
    TIMEOUT = "timeout", "FAIL", "took longer than a trial may"
    RUNNING = "running", "RUNNING", "under measurement"
    WAITING = "waiting", "WAITING", "stopped, to be run when the search goes on"

    state: str
    meaning: str

    def __new__(cls, value: str, state: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.state = state
        member.meaning = meaning
        return member

    @property
    def finished(self) -> bool:
        """Whether a result is there."""
        return self.state in ("COMPLETE", "PRUNED", "FAIL")

    @property
    def complete(self) -> bool:
        """Whether the trial was measured to its end, here or by an earlier trial."""
        return self.state == "COMPLETE"

    @property
    def failed(self) -> bool:
        """Whether the trial ended without a result."""
        return self.state == "FAIL"

    @classmethod
    def of_state(cls, state: str) -> Status:
        """The status of a trial of which only Optuna's state is known."""
        return _OF_STATE[state]


_OF_STATE = {
    "COMPLETE": Status.OK,
    "PRUNED": Status.PRUNED,
    "FAIL": Status.FAILED,
    "RUNNING": Status.RUNNING,
    "WAITING": Status.WAITING,
}
STATES = tuple(_OF_STATE)
"""The names of Optuna's states."""
_BY_VALUE = {status.value: status for status in Status}
FAILURES = tuple(status for status in Status if status.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One trial. What is not known is None; times are aware, in UTC.

    ``decisions`` are the assignment that was tried, ``architecture`` the network as JSON (None where a table has
    none), ``costs`` whatever is known of it without measuring, ``values`` the study's objectives, and ``curve``
    (epoch, accuracy) pairs. ``extra`` holds further figures of the evaluator by name.
    """

    number: int = measure("int64", None, None, "the trial's number, from 0", title="Trial")
    decisions: Mapping[str, Option] = field(default_factory=dict)
    architecture: Mapping[str, Any] | None = None
    values: tuple[float, ...] | None = None
    curve: tuple[tuple[int, float], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    status: Status = measure(
        "category",
        None,
        None,
        "how it ended: " + "; ".join(f"{s} ({s.meaning})" for s in Status),
        default=Status.RUNNING,
    )
    key: str | None = measure(
        "str", None, None, "names the network: equal keys are the same function", default=None
    )
    accuracy: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "validation accuracy after the last epoch, 0 to 1",
        title="Validation accuracy",
        default=None,
    )
    loss: float | None = measure(
        "float64",
        "nats",
        "minimize",
        "validation loss after the last epoch",
        title="Validation loss",
        default=None,
    )
    costs: Mapping[str, float] = field(default_factory=dict)
    latency_seconds: float | None = measure(
        "float64",
        "seconds",
        "minimize",
        "median time of one inference, where measured",
        title="Latency",
        default=None,
    )
    epochs: int | None = measure(
        "Int64", "epochs", None, "epochs trained, those of a pruned trial included", default=None
    )
    seconds: float | None = measure(
        "float64",
        "seconds",
        "minimize",
        "time spent on the trial's evaluation",
        title="Evaluation time",
        default=None,
    )
    worker: str | None = measure("category", None, None, "the worker that evaluated it", default=None)
    fidelity: Mapping[str, Any] | None = measure(
        "category", None, None, "how thoroughly it was measured: epochs=3,resolution=16", default=None
    )
    feasible: bool | None = measure(
        "boolean", None, None, "whether it keeps every budget; NA where none was set", default=None
    )
    measured_by: int | None = measure(
        "Int64", None, None, "the trial whose measurement a reused one repeats", default=None
    )
    truth: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "accuracy after full training, where a table knows it",
        title="Accuracy after full training",
        default=None,
    )
    error: str | None = measure("str", None, None, "why it failed", default=None)
    started: datetime | None = measure(
        "datetime64[us, UTC]", "UTC", None, "when it was asked for", default=None
    )
    finished: datetime | None = measure(
        "datetime64[us, UTC]", "UTC", None, "when its result was stored", default=None
    )

    @property
    def state(self) -> str:
        """The name of Optuna's state."""
        return self.status.state

    def to_json(self) -> dict[str, Any]:
        """What was measured, as the storage keeps it: the figures that are no column of Optuna's own tables."""
        told = {name: getattr(self, name) for name in _STORED}
        told["status"] = self.status.value
        told["fidelity"] = dict(self.fidelity) if self.fidelity is not None else None
        if self.truth is not None:
            told["truth"] = self.truth
        return told | dict(self.extra)

    @staticmethod
    def from_json(result: object, state: str) -> dict[str, Any]:
        """The fields that ``to_json`` wrote, as keyword arguments; ``state`` is the trial's in Optuna's table.

        Anything that is no object of ours gives the state's status alone. The first version stored every failure
        but ``oom`` as ``failed``, with its kind in front of the error; it reads as the kind.
        """
        if not isinstance(result, Mapping) or not result:
            return {"status": Status.of_state(state)}
        known = {name: result[name] for name in _READ if name in result}
        extra = {name: value for name, value in result.items() if name not in _READ and name != "status"}
        known["status"], known["error"] = _ending(result, state)
        return {**known, "extra": extra}


_STORED = (
    *("accuracy", "loss", "seconds", "worker", "fidelity", "feasible", "error", "latency_seconds"),
    *("measured_by", "epochs"),
)
_READ = (*_STORED, "truth")


def _ending(result: Mapping[str, Any], state: str) -> tuple[Status, str | None]:
    """(status, error) of a stored result; a status that does not go with the state gives way to it."""
    error = result.get("error")
    status = _BY_VALUE.get(str(result.get("status")))
    if status is None or status.state != state:
        status = Status.of_state(state)
    kind, colon, reason = str(error or "").partition(": ")
    if status in (Status.FAILED, Status.OOM) and colon and kind in FAILURES:
        return _BY_VALUE[kind], reason
    return status, error
