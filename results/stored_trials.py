"""The trials of a study as they are stored, read with plain SQL: what ``results.studies`` makes studies of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, cast

from results.attributes import ARCHITECTURE, stored_names
from results.database import Query
from results.trial_result import TrialResult

Option = str | int | float | bool | None
_AT_ONCE = 1000
"""Trials that are read at a time."""
_NON_FINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}


def trials_of(
    query: Query, study_id: int, ours: bool, architectures: bool, numbers: Sequence[int] | None = None
) -> list[TrialResult]:
    """All trials of a study, or those of ``numbers``; a part of them at a time, as what is read of one takes more memory than
    what is kept of it."""
    some = "" if numbers is None else f" AND t.number IN ({', '.join(map(str, (-1, *numbers)))})"
    heads = query(
        "SELECT t.trial_id, t.number, t.state, t.datetime_start, t.datetime_complete FROM trials t"
        f" WHERE t.study_id = :study{some} ORDER BY t.number",
        study=study_id,
    )
    clock = clock_of(query, ours)
    found: list[TrialResult] = []
    for start in range(0, len(heads), _AT_ONCE):
        part = heads[start : start + _AT_ONCE]
        # Between two stored values: of a damaged database they may be anything.
        chosen = {"study": study_id, "least": part[0][1], "most": part[-1][1]}
        within = f"{some} AND t.number BETWEEN :least AND :most"
        found += _part(query, part, within, chosen, clock, architectures)
    return found


def _part(
    query: Query,
    heads: Sequence[tuple[Any, ...]],
    within: str,
    chosen: Mapping[str, Any],
    clock: Callable[[str | datetime | None], datetime | None],
    architectures: bool,
) -> list[TrialResult]:
    """The trials of ``heads``, which the condition ``within`` chooses with the values of ``chosen``, from four SELECTs rather
    than one per trial."""
    decisions: dict[int, dict[str, Option]] = {row[0]: {} for row in heads}
    attributes: dict[int, dict[str, Any]] = {row[0]: {} for row in heads}
    accuracies: dict[int, dict[int, Any]] = {row[0]: {} for row in heads}
    of_study = f"JOIN trials t ON t.trial_id = v.trial_id WHERE t.study_id = :study{within}"
    values = objective_values(query, within, **chosen)
    for trial, step, value, kind in query(
        "SELECT v.trial_id, v.step, v.intermediate_value, v.intermediate_value_type"
        f" FROM trial_intermediate_values v {of_study} ORDER BY v.step",
        **chosen,
    ):
        accuracies[trial][step] = _NON_FINITE.get(kind, value)
    for trial, name, value, distribution in query(
        "SELECT v.trial_id, v.param_name, v.param_value, v.distribution_json"
        f" FROM trial_params v {of_study} ORDER BY t.trial_id, v.param_id",
        **chosen,
    ):
        decisions[trial][intern(name)] = _option(value, distribution)
    without = {} if architectures else names_of(ARCHITECTURE)
    wanted = " AND v.key NOT IN (:now, :first)" if without else ""
    stored = query(
        f"SELECT v.trial_id, v.key, v.value_json FROM trial_user_attributes v {of_study}{wanted}",
        **chosen,
        **without,
    )
    # One call for all is faster than one for each: it also makes each key only once.
    parsed = json.loads(f"[{','.join([text for _, _, text in stored])}]")
    for (trial, name, _), value in zip(stored, parsed, strict=True):
        attributes[trial][name] = value
    return [
        TrialResult.of_stored(
            number,
            state,
            attributes[i],
            decisions=decisions[i],
            values=values.get(i),
            curve=tuple(accuracies[i].items()),
            started=clock(start),
            finished=clock(complete),
        )
        for i, number, state, start, complete in heads
    ]


def objective_values(query: Query, some: str = "", **chosen: Any) -> dict[int, tuple[Any, ...]]:
    """Trial's id → its values in order of the objectives, of the trials of ``study`` that have any; ``some`` is a further
    condition, ``chosen`` has its values and the study's id."""
    found: dict[int, tuple[Any, ...]] = {}
    for trial, value, kind in query(
        "SELECT v.trial_id, v.value, v.value_type FROM trial_values v JOIN trials t ON t.trial_id = v.trial_id"
        f" WHERE t.study_id = :study{some} ORDER BY v.trial_id, v.objective",
        **chosen,
    ):
        found[trial] = (*found.get(trial, ()), _NON_FINITE.get(kind, value))
    return found


# Searches repeat a few options over and over; a cached call is several times faster.
@lru_cache(maxsize=2**14)
def _option(value: float, distribution: str) -> Option:
    """A parameter as it was chosen; a categorical one is stored as the index of its choice."""
    kind = _kind(distribution)
    return kind[int(value)] if isinstance(kind, list) else cast(Option, kind(value))


@lru_cache(maxsize=2**10)
def _kind(distribution: str) -> list[Option] | type:
    """The options of a categorical distribution, given as Optuna's JSON; int or float for a numeric one."""
    parsed = json.loads(distribution)
    if parsed["name"].startswith("Int"):
        return int
    return cast("list[Option] | type", parsed["attributes"].get("choices", float))


def clock_of(query: Query, ours: bool) -> Callable[[str | datetime | None], datetime | None]:
    """Reads a stored time as an aware one: SQLite hands it over as text, other databases as a datetime.

    Optuna holds naive UTC since version 5, naive local time before; a search of ours always stored UTC.
    """
    version = str(query("SELECT library_version FROM version_info")[0][0])
    zone = UTC if ours or int(version.partition(".")[0]) >= 5 else None

    def read(value: str | datetime | None) -> datetime | None:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if moment is not None and not isinstance(moment, datetime):
            raise TypeError(f"{moment!r} is no time")
        if moment is None or zone is not None:
            return moment and moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    return read


def names_of(attribute: str) -> dict[str, str]:
    """The values of ``:now`` and ``:first`` in a statement: the names that one of our attributes may have."""
    return dict(zip(("now", "first"), stored_names(attribute), strict=True))
