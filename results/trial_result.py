"""One trial as one typed record: what was tried, how it ended, what was measured.

The search loop makes it, a storage keeps it, samplers are told it, and a frame has one row for it. The fields that
hold figures declare their unit, direction and meaning; ``results.columns.COLUMNS`` and its documentation are made
of these declarations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from results.attributes import ARCHITECTURE, REPEAT_OF, RESULT, STOCK, named, of_trial
from space.measure import measure, measures

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


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
FINISHED = tuple(status for status in Status if status.finished)
FAILURES = tuple(status for status in Status if status.failed)


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """One trial. What is not known is None; times are aware, in UTC.

    ``decisions`` are the assignment that was tried, ``architecture`` the network as JSON (None where a table has
    none), ``costs`` whatever is known of it without measuring, ``values`` the study's objectives, and ``curve``
    (epoch, accuracy) pairs. ``extra`` holds further figures of the evaluator by name.
    """

    number: int = measure(
        "int64",
        "trials",
        "minimize",
        "the trial's number, from 0; on a front, earlier is better",
        title="Trial",
    )
    decisions: dict[str, Any] = field(default_factory=dict)
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
    balanced_accuracy: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "validation accuracy as the mean over the classes, whatever their sizes, 0 to 1",
        title="Balanced validation accuracy",
        default=None,
    )
    timed_accuracy: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "validation accuracy as it is expected after equal time, not equal epochs: 1 − (1 − accuracy) × (image_seconds / 1 ms)^0.1",
        title="Accuracy for equal training time",
        default=None,
    )
    image_seconds: float | None = measure(
        "float64",
        "seconds",
        "minimize",
        "processor time that training on one image took, where the network was trained",
        title="Training time of an image",
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
    repeat_of: int | None = measure(
        "Int64",
        None,
        None,
        "the trial that measured this network first, where this one measures it again",
        default=None,
    )
    stock: str | None = measure(
        "str",
        None,
        None,
        "the known network that it is, with what it was multiplied by to fit the budgets; the search is compared with it, and did not "
        "propose it",
        default=None,
    )
    repeats: int | None = measure(
        "Int64", "trials", None, "how often its network was measured again, under fresh seeds", default=None
    )
    accuracy_mean: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "mean of its network's measurements of the accuracy (balanced, if the search maximised that)",
        title="Mean validation accuracy",
        default=None,
    )
    accuracy_sem: float | None = measure(
        "float64",
        "fraction",
        "minimize",
        "standard error of that mean; the noise of one measurement is pooled over the networks that were measured again",
        title="Standard error of the accuracy",
        default=None,
    )
    truth: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "accuracy after full training, where a table knows it",
        title="Accuracy after full training",
        default=None,
    )
    verified_accuracy: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "validation accuracy (balanced, if the search maximised that) as `nascale verify` estimates it from fresh seeds",
        title="Verified accuracy",
        default=None,
    )
    verified_low: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "low end of its interval, which holds the network's mean accuracy with a probability of 0.9 or as asked for",
        title="Verified accuracy, low end",
        default=None,
    )
    verified_high: float | None = measure(
        "float64",
        "fraction",
        "maximize",
        "high end of that interval",
        title="Verified accuracy, high end",
        default=None,
    )
    probability_best: float | None = measure(
        "float64",
        "probability",
        "maximize",
        "probability that it is the best of the verified networks",
        title="Probability of being the best",
        default=None,
    )
    verified_seeds: int | None = measure(
        "Int64", "seeds", None, "fresh seeds with which it was verified", default=None
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

    @property
    def trained_here(self) -> bool:
        """Whether the trial ended with a measurement of its own, and not with that of an earlier one."""
        return self.status.finished and self.measured_by is None

    @property
    def proposed(self) -> bool:
        """Whether the search proposed its network: it is neither a repeat nor a stock network."""
        return self.repeat_of is None and self.stock is None

    def replace(self, **changes: Any) -> TrialResult:
        """A copy with some fields changed. Raises TypeError for a name that is no field.

        A search copies each trial a few times, and ``dataclasses.replace`` goes through all fields one by one.
        """
        if not changes.keys() <= self.__dict__.keys():
            raise TypeError(f"no fields: {sorted(changes.keys() - self.__dict__.keys())}")
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def attributes(self) -> dict[str, Any]:
        """The user attributes that a trial is stored with when it starts."""
        known: dict[str, Any] = {"key": self.key, "costs": dict(self.costs)}
        if self.repeat_of is not None:
            known[REPEAT_OF] = self.repeat_of
        if self.stock is not None:
            known[STOCK] = self.stock
        if self.architecture is not None:
            known[ARCHITECTURE] = dict(self.architecture)
        return named(known)

    def result_attributes(self) -> dict[str, Any]:
        """The user attributes that a trial is stored with when it ends."""
        return named({RESULT: self.to_json()})

    def to_json(self) -> dict[str, Any]:
        """What was measured, as the storage keeps it: the figures that are no column of Optuna's own tables."""
        figures = {name: getattr(self, name) for name in _ALWAYS_STORED}
        figures["status"] = self.status.value
        figures["fidelity"] = dict(self.fidelity) if self.fidelity is not None else None
        figures |= {name: value for name in MEASURED if (value := getattr(self, name)) is not None}
        return figures | dict(self.extra)

    @classmethod
    def of_stored(
        cls,
        number: int,
        state: str,
        attributes: Mapping[str, Any],
        *,
        decisions: dict[str, Any],
        values: tuple[float, ...] | None,
        curve: tuple[tuple[int, float], ...],
        started: datetime | None,
        finished: datetime | None,
    ) -> TrialResult:
        """A trial as it stands in an Optuna storage; ``state`` is Optuna's, ``attributes`` its user attributes.

        A trial that another tool made has a number, a state, decisions and values; the rest is unknown.
        """
        ours = of_trial(attributes)
        return cls(
            number=number,
            decisions=decisions,
            values=values,
            curve=curve,
            key=ours.get("key"),
            repeat_of=ours.get(REPEAT_OF),
            stock=ours.get(STOCK),
            costs=ours.get("costs", {}),
            architecture=stored_architecture(ours.get(ARCHITECTURE)),
            started=started,
            finished=finished,
            **_measured(ours.get(RESULT), state),
        )

    def merit(self, name: str) -> float | None:
        """The figure that ``name``, one of ``MERITS``, names; None where it was not measured."""
        value: float | None = getattr(self, name)
        return value

    @classmethod
    def of_json(cls, result: object, state: str, number: int = 0) -> TrialResult:
        """What ``to_json`` wrote of a trial whose state in Optuna's table is ``state``."""
        return cls(number=number, **_measured(result, state))

    @classmethod
    def of_optuna(cls, trial: FrozenTrial, names: Sequence[str] | None = None) -> TrialResult:
        """An Optuna trial; ``names`` chooses and orders its decisions."""
        params = trial.params
        return cls.of_stored(
            trial.number,
            trial.state.name,
            trial.user_attrs,
            decisions=params if names is None else {name: params[name] for name in names if name in params},
            values=tuple(trial.values) if trial.values is not None else None,
            curve=tuple(sorted(trial.intermediate_values.items())),
            started=_aware(trial.datetime_start),
            finished=_aware(trial.datetime_complete),
        )


MERITS = ("accuracy", "balanced_accuracy", "timed_accuracy")
"""Figures of a measurement that a search may maximise."""
_ALWAYS_STORED = (
    *("accuracy", "loss", "seconds", "worker", "fidelity", "feasible", "error", "latency_seconds"),
    *("measured_by", "epochs"),
)
_STORED_APART = ("number", "status", "key", "repeat_of", "stock", "started", "finished")
"""Columns of Optuna's own tables, and attributes that a trial has from its start."""
REPEATED = ("repeats", "accuracy_mean", "accuracy_sem")
"""Figures of all measurements of a trial's network together; made when a study is read (``results.networks``)."""
VERIFIED = ("verified_accuracy", "verified_low", "verified_high", "probability_best", "verified_seeds")
"""Figures that a later verification adds; the study keeps them (``results.verified``), no trial does."""
MEASURED = tuple(
    m.name
    for m in measures(TrialResult)
    if m.name not in (*_ALWAYS_STORED, *_STORED_APART, *REPEATED, *VERIFIED)
)
"""Figures that only some evaluators give: the loop takes them from a measurement's ``extra``, by name."""
_READ = frozenset((*_ALWAYS_STORED, *MEASURED))


def _measured(result: object, state: str) -> dict[str, Any]:
    """The fields that ``to_json`` wrote, as keyword arguments; ``state`` is the trial's in Optuna's table.

    Anything that is no object of ours gives the state's status alone.
    """
    if not isinstance(result, Mapping) or not result:
        return {"status": Status.of_state(state)}
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in result.items():
        (known if name in _READ else extra)[name] = value
    extra.pop("status", None)
    known["status"], known["error"] = ending(result, state)
    known["extra"] = extra
    return known


def ending(result: Mapping[str, Any], state: str) -> tuple[Status, str | None]:
    """(status, error) of a stored result; a status that does not go with the state gives way to it.

    The first version stored every failure but ``oom`` as ``failed``, with its kind in front of the error.
    """
    error = result.get("error")
    status = _BY_VALUE.get(str(result.get("status")))
    if status is None or status.state != state:
        status = Status.of_state(state)
    if error and status in (Status.FAILED, Status.OOM):
        kind, colon, reason = str(error).partition(": ")
        if colon and kind in FAILURES:
            return _BY_VALUE[kind], reason
    return status, error


def stored_architecture(stored: object) -> Mapping[str, Any] | None:
    """The JSON of a network as a trial's attribute holds it; None for anything else.

    The first version stored the network's JSON as text inside the attribute's JSON.
    """
    value = json.loads(stored) if isinstance(stored, str) else stored
    return value if isinstance(value, Mapping) else None


def _aware(moment: datetime | None) -> datetime | None:
    """Optuna hands out naive local times."""
    return moment.astimezone(UTC) if moment else None
