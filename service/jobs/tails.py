"""What is new in a job's work since it was last looked at: lines of its log, epochs of its training, trials of its study.

Each tail is a function of a mark (how far it was seen, as JSON) that returns what is new and the next mark, so that a service that
was killed goes on where its predecessor had stored the mark.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from results import pareto
from results.attributes import ARCHITECTURE, stored_names
from results.database import Query
from results.studies import StoredObjective, merit_of
from results.trial_result import FINISHED, MERITS, Status, TrialResult
from service.jobs.hidden import Hidden

Mark = Mapping[str, Any]
LOG_BYTES = 65536
"""Of a log that are told at once; where more was written, the end of it."""
_CHUNK_BYTES = 8192
NOTHING = Hidden(())
_FINISHED_STATES = ", ".join(sorted({f"'{status.state}'" for status in FINISHED}))
_TRIALS_AT_ONCE = 200
_SHOWN = (
    *("number", "key", "accuracy", "balanced_accuracy", "loss", "latency_seconds", "epochs", "seconds"),
    *("feasible", "measured_by", "repeat_of", "stock", "error"),
)


def log_tail(
    path: Path, offset: int, hidden: Hidden = NOTHING, *, ended: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """The lines behind ``offset`` as chunks ``{offset, text}``, and where the next ones begin.

    What is ``hidden`` is not told. A last line that is not ended yet is left for later, unless the job has ``ended``. Of a log that was shortened since, what comes
    from now on is told.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = offset = min(offset, size)  # it may have been shortened
            if size - offset > LOG_BYTES:
                start = size - LOG_BYTES
            content = hidden.piece(file, start, LOG_BYTES)
    except OSError:
        return [], offset
    if start > offset:  # begin with a whole line
        cut = content.find(b"\n") + 1
        start, content = start + cut, content[cut:]
    if not ended and len(content) < _CHUNK_BYTES:
        content = content[: content.rfind(b"\n") + 1]
    chunks = []
    while content:
        cut = len(content)
        if cut > _CHUNK_BYTES:
            cut = content.rfind(b"\n", 0, _CHUNK_BYTES) + 1 or _CHUNK_BYTES
        chunks.append({"offset": start, "text": content[:cut].decode(errors="replace")})
        start, content = start + cut, content[cut:]
    return chunks, start


def progress_of(lines: str) -> dict[str, Any]:
    """The last line of progress among those that a command has printed, as ``{done, wanted, unit, best}``; empty without one."""
    for line in reversed(lines.splitlines()):
        found = re.match(r"(epoch )?(\d+)/(\d+)(?: ([a-z]+))?(?: · |$)", line)
        if found is None:
            continue
        unit = "epochs" if found[1] else found[4]
        if unit is None:
            continue
        told: dict[str, Any] = {"done": int(found[2]), "wanted": int(found[3]), "unit": unit}
        best = re.search(r" · best ([0-9.]+)", line)
        if best is not None:
            with suppress(ValueError):
                told["best"] = float(best[1])
        return told
    return {}


def epoch_tail(metrics: Path, last: int) -> tuple[list[dict[str, Any]], int]:
    """The epochs behind number ``last`` in a training's ``metrics.csv``, and the number of the last one."""
    found: list[dict[str, Any]] = []
    try:
        with metrics.open(newline="") as file:
            for row in csv.DictReader(file):
                with suppress(ValueError, TypeError):
                    if int(row["epoch"]) > last:
                        found.append(
                            {name: float(text) for name, text in row.items() if text}
                            | {"epoch": int(row["epoch"])}
                        )
    except (OSError, KeyError, csv.Error):
        return [], last
    return found, int(found[-1]["epoch"]) if found else last


class StudyTail:
    """The trials of a study as they end, and its front as it moves, on the axes of its objectives (or accuracy and MACs).

    ``attributes`` are the study's own. A mark holds how many trials have ended, which are told (all below ``below`` and
    those of ``beyond``), the front's points, and the best accuracy.
    """

    def __init__(self, study: str, attributes: Mapping[str, Any]) -> None:
        objectives = tuple(
            StoredObjective(one["name"], one["direction"]) for one in attributes.get("objectives", ())
        )
        self._study, self._merit = study, merit_of(objectives)
        wanted = [one for one in objectives if one.name not in MERITS]
        cost = wanted[0] if wanted else StoredObjective("macs", "minimize")
        self._axes = (StoredObjective(self._merit, "maximize"), cost)
        self.wanted: int | None = attributes.get("spec", {}).get("trials")
        """Trials after which the search ends."""

    def ended(self, query: Query) -> int:
        """How many trials have ended."""
        return int(
            query(
                "SELECT COUNT(*) FROM trials t JOIN studies s ON s.study_id = t.study_id"
                f" WHERE s.study_name = :name AND t.state IN ({_FINISHED_STATES})",
                name=self._study,
            )[0][0]
        )

    def past(self, query: Query) -> Mark:
        """The mark of one who has seen all that is there now, and was told nothing of it."""
        mark: Mark = {}
        while True:
            found, mark = self._step(query, mark)
            if not found:
                return mark

    def new(self, query: Query, mark: Mark) -> tuple[list[tuple[str, dict[str, Any]]], Mark]:
        """``trial`` and ``front`` events of trials that have ended since, at most some hundreds, and the next mark."""
        if self.ended(query) == mark.get("ended", 0):
            return [], mark
        return self._step(query, mark)

    def _step(self, query: Query, mark: Mark) -> tuple[list[tuple[str, dict[str, Any]]], Mark]:
        below, beyond = mark.get("below", 0), set(mark.get("beyond", ()))
        trials = [one for one in self._read(query, below) if one.number not in beyond][:_TRIALS_AT_ONCE]
        if not trials:
            return [], mark
        events: list[tuple[str, dict[str, Any]]] = []
        front: list[list[float]] = [list(point) for point in mark.get("front", ())]
        best = mark.get("best")
        for trial in trials:
            events.append(("trial", row_of(trial)))
            beyond.add(trial.number)
            if not _counts(trial):
                continue
            if trial.accuracy is not None and math.isfinite(trial.accuracy):
                best = trial.accuracy if best is None else max(best, trial.accuracy)
            moved = self._moved(front, trial)
            if moved is not None:
                front = moved
                events.append(("front", self._told(front)))
        while below in beyond:
            beyond.remove(below)
            below += 1
        ended = mark.get("ended", 0) + len(trials)
        return events, {
            "ended": ended,
            "below": below,
            "beyond": sorted(beyond),
            "front": front,
            "best": best,
        }

    def _read(self, query: Query, below: int) -> Sequence[TrialResult]:
        """The ended trials of number ``below`` or more, without their decisions, curves and networks."""
        where = (
            " FROM trials t JOIN studies s ON s.study_id = t.study_id"
            f" WHERE s.study_name = :name AND t.number >= :below AND t.state IN ({_FINISHED_STATES})"
        )
        heads = query(
            f"SELECT t.trial_id, t.number, t.state{where} ORDER BY t.number LIMIT {2 * _TRIALS_AT_ONCE}",
            name=self._study,
            below=below,
        )
        if not heads:
            return []
        now, first = stored_names(ARCHITECTURE)
        attributes: dict[int, dict[str, Any]] = {head[0]: {} for head in heads}
        for trial, name, text in query(
            "SELECT v.trial_id, v.key, v.value_json FROM trial_user_attributes v JOIN trials t"
            " ON t.trial_id = v.trial_id JOIN studies s ON s.study_id = t.study_id WHERE s.study_name = :name"
            " AND t.number >= :below AND t.number <= :last AND v.key NOT IN (:now, :first)",
            name=self._study,
            below=below,
            last=heads[-1][1],
            now=now,
            first=first,
        ):
            if trial in attributes:
                attributes[trial][name] = json.loads(text)
        return [
            TrialResult.of_stored(
                number,
                state,
                attributes[i],
                decisions={},
                values=None,
                curve=(),
                started=None,
                finished=None,
            )
            for i, number, state in heads
        ]

    def _moved(self, front: Sequence[Sequence[float]], trial: TrialResult) -> list[list[float]] | None:
        """The front with the trial upon it; None where it does not come upon it."""
        point = [_figure(trial, axis.name) for axis in self._axes]
        if any(value is None or not math.isfinite(value) for value in point):
            return None
        candidates = [*front, [float(trial.number), *(float(value) for value in point if value is not None)]]
        member = pareto.front([one[1:] for one in candidates], [axis.direction for axis in self._axes])
        return (
            [list(one) for one, stays in zip(candidates, member, strict=True) if stays]
            if member[-1]
            else None
        )

    def _told(self, front: Sequence[Sequence[float]]) -> dict[str, Any]:
        y, x = (axis.name for axis in self._axes)
        best_first = sorted(front, key=lambda point: point[1], reverse=True)
        return {"y": y, "x": x, "points": [{"number": int(n), y: a, x: b} for n, a, b in best_first]}


def _counts(trial: TrialResult) -> bool:
    """Whether a trial may enter a front: measured to its end within the budgets, and proposed by the search."""
    return trial.status is Status.OK and trial.proposed and trial.feasible is not False


def _figure(trial: TrialResult, name: str) -> float | None:
    found = trial.costs.get(name)
    return found if found is not None else getattr(trial, name, None)


def row_of(trial: TrialResult) -> dict[str, Any]:
    """A trial as its event tells it: the columns of a frame that are known, costs among them."""
    known = {name: getattr(trial, name) for name in _SHOWN} | dict(trial.costs)
    told = {name: value for name, value in known.items() if value is not None and _is_plain(value)}
    return {**told, "status": trial.status.value}


def _is_plain(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
