"""The columns of a frame of trials: the one contract that every command, file and picture shares.

``COLUMNS`` is made from the figures that ``results.trial_result.TrialResult`` and ``space.cost.Costs`` declare;
``docs/results.md`` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from results.trial_result import MEASURED, REPEATED, STATES, VERIFIED, Status, TrialResult
from space.cost import SEARCHED_COSTS
from space.errors import UnknownNameError
from space.measure import Measure, measures

_STATE = Measure(
    "state", "category", None, None, f"Optuna's state: {', '.join(STATES[:-1])} or {STATES[-1]}", "State"
)
_RANK = Measure(
    "rank",
    "Int64",
    None,
    None,
    "non-dominated rank, 1 on the front; NA for a row that takes no part",
    "Non-dominated rank",
)


def _columns() -> Iterator[Measure]:
    """The declared figures of a trial in order, with Optuna's state, the costs and the rank in their places."""
    for figure in measures(TrialResult):
        if figure.name == "status":
            yield _STATE
        elif figure.name == "latency_seconds":
            yield from SEARCHED_COSTS
        elif figure.name == "measured_by":
            yield _RANK
        yield figure


COLUMNS: tuple[Measure, ...] = tuple(_columns())
BY_NAME: Mapping[str, Measure] = {column.name: column for column in COLUMNS}
COSTS = tuple(cost.name for cost in SEARCHED_COSTS)
MEASURED_FIGURES = tuple(name for name in (*MEASURED, *REPEATED, *VERIFIED) if BY_NAME[name].better)
"""Figures that only some evaluators give, or repeats, or a verification."""
DECISION, OBJECTIVE = "decision_", "objective_"
STATUSES = tuple(status.value for status in Status)


def objective_column(name: str) -> str:
    """The column of an objective: itself where it is a figure of the contract that can be better or worse."""
    return name if name in BY_NAME and BY_NAME[name].better else OBJECTIVE + name


def objectives_of(frame: pd.DataFrame) -> dict[str, str]:
    """Column → direction of the study's objectives, in order."""
    return {objective_column(o["name"]): o["direction"] for o in frame.attrs.get("objectives", [])}


def direction_of(frame: pd.DataFrame, column: str) -> str:
    """``"minimize"`` or ``"maximize"``: the study's own word for an objective, else the contract's; else empty."""
    own = objectives_of(frame).get(column)
    known = BY_NAME.get(column)
    return own or (known.better if known else None) or ""


def column_name(frame: pd.DataFrame, name: str, argument: str) -> str:
    """The column that ``name`` means: itself, or with its ``objective_`` or ``decision_`` left out.

    Raises UnknownNameError listing the columns.
    """
    for candidate in (name, OBJECTIVE + name, DECISION + name):
        if candidate in frame.columns:
            return candidate
    raise UnknownColumnError(argument, name, frame.columns)


class UnknownColumnError(UnknownNameError):
    """A column that is not there; the message lists those that are."""

    def __init__(self, argument: str, name: object, known: Iterable[str]) -> None:
        columns = list(known)
        super().__init__(argument, name, columns)
        near = f"nearest: {', '.join(self.nearest)}; " if self.nearest else ""
        fixed = [c for c in columns if not c.startswith(DECISION)]
        decisions = len(columns) - len(fixed)
        tail = f" and {decisions} decision_* columns" if decisions else ""
        self.args = (f"{argument}: no such column {str(name)!r} ({near}columns: {', '.join(fixed)}{tail})",)
