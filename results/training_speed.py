"""How fast networks were trained: what the stored trials of one machine took, per MAC, image and epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from results.attributes import ARCHITECTURE, of_study, stored_names
from results.database import Query, reading
from results.studies import Storage
from results.trial_result import Status, TrialResult

_STUDIES, _TRIALS = 50, 200
"""That are looked at, the newest first."""


def training_seconds(machine: str, storage: Storage = None) -> list[float]:
    """Seconds per MAC, image and epoch of the newest trainings that workers on ``machine`` (its node name) have finished.

    Trainings on smaller images or with fewer channels than the network's own are left out: their MACs are others.
    """
    with reading(storage) as query:
        return list(islice(_newest(query, machine), _TRIALS))


def _newest(query: Query, machine: str) -> Iterator[float]:
    studies = query(f"SELECT study_id FROM studies ORDER BY study_id DESC LIMIT {_STUDIES}")
    for (study,) in studies:
        images = _images(query, study)
        for trial in _complete(query, study) if images else ():
            seconds = _each(trial, images, machine)
            if seconds is not None:
                yield seconds


def _images(query: Query, study: int) -> int:
    """The training images of a study whose networks are trained; 0 for any other."""
    rows = query("SELECT key, value_json FROM study_user_attributes WHERE study_id = :study", study=study)
    found = of_study({str(key): json.loads(text) for key, text in rows})
    if found.get("spec", {}).get("evaluator") != "train":
        return 0
    at: Any = found
    for name in ("provenance", "data", "splits", "train", "images"):
        at = at.get(name) if isinstance(at, Mapping) else None
    return at if isinstance(at, int) else 0


def _complete(query: Query, study: int) -> list[TrialResult]:
    """The newest trials that were measured to their end, newest first."""
    heads = query(
        "SELECT trial_id, number, state FROM trials WHERE study_id = :study AND state = 'COMPLETE'"
        f" ORDER BY number DESC LIMIT {_TRIALS}",
        study=study,
    )
    attributes: dict[int, dict[str, Any]] = {row[0]: {} for row in heads}
    now, first = stored_names(ARCHITECTURE)
    for trial, name, text in query(
        "SELECT v.trial_id, v.key, v.value_json FROM trial_user_attributes v JOIN trials t ON t.trial_id = v.trial_id"
        " WHERE t.study_id = :study AND t.state = 'COMPLETE' AND t.number >= :least AND v.key NOT IN (:now, :first)",
        study=study,
        least=heads[-1][1] if heads else 0,
        now=now,
        first=first,
    ):
        if trial in attributes:
            attributes[trial][name] = json.loads(text)
    return [
        TrialResult.of_stored(
            number, state, attributes[i], decisions={}, values=None, curve=(), started=None, finished=None
        )
        for i, number, state in heads
    ]


def _each(trial: TrialResult, images: int, machine: str) -> float | None:
    """Seconds per MAC, image and epoch of a trial; None where it does not say them."""
    fidelity = trial.fidelity or {}
    whole = fidelity.get("resolution") is None and fidelity.get("width", 1.0) == 1.0
    host = (trial.worker or "").rpartition(":")[0]
    macs, seconds, epochs = trial.costs.get("macs"), trial.seconds, trial.epochs
    if trial.status is not Status.OK or not whole or host != machine or not (macs and seconds and epochs):
        return None
    fraction: float = fidelity.get("fraction", 1.0)
    return seconds / (macs * images * fraction * epochs)
