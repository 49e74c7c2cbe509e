"""What a search still knew when its database was lost: a file of JSON lines, from which the study can be made again.

The first line holds the study's name, its objectives and its attributes, every other line one trial, as it would
stand in the database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from results.attributes import of_study
from results.files import file_name
from results.trial_result import STATES, TrialResult
from space.errors import InputError

FORMAT = 1


@dataclass(frozen=True)
class Rescued:
    """A study as a search knew it. ``attributes`` are ours, by the names under which a storage keeps them."""

    study: str
    attributes: Mapping[str, Any]
    trials: tuple[TrialResult, ...]

    @property
    def spec(self) -> Mapping[str, Any]:
        """What was searched; empty where the file does not say."""
        spec = of_study(self.attributes).get("spec")
        return spec if isinstance(spec, Mapping) else {}

    def write(self, folder: str | os.PathLike[str] = ".") -> Path:
        """Writes ``STUDY-rescued.jsonl``, under a name that is not taken yet, for the owner's eyes; its path."""
        head = {"nascale_rescue": FORMAT, "study": self.study, "attributes": dict(self.attributes)}
        lines = [head, *map(_line, self.trials)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        for number in count(1):
            path = (
                Path(folder) / f"{file_name(self.study)}-rescued{'' if number == 1 else f'-{number}'}.jsonl"
            )
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return path
        raise AssertionError("unreachable")


def _line(trial: TrialResult) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "decisions": trial.decisions,
        "values": trial.values,
        "curve": trial.curve,
        "attributes": trial.attributes() | (trial.result_attributes() if trial.status.finished else {}),
        "started": trial.started and trial.started.isoformat(),
        "finished": trial.finished and trial.finished.isoformat(),
    }


def read(path: str | os.PathLike[str]) -> Rescued:
    """The study in a file that ``Rescued.write`` wrote; a last line that was cut off is left out.

    Raises InputError for any other file.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        head = json.loads(lines[0])
        study, attributes = head["study"], head["attributes"]
        if head["nascale_rescue"] != FORMAT or not isinstance(study, str) or not of_study(attributes):
            raise ValueError("its first line does not describe a study")
        trials = []
        for number, line in enumerate(lines[1:]):
            try:
                trials.append(_trial(json.loads(line), number))
            except ValueError:
                if number + 2 < len(lines):
                    raise
    except OSError as error:
        raise _refusal(path, str(error.strerror)) from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _refusal(path, f"{type(error).__name__}: {error}") from None
    return Rescued(study, attributes, tuple(trials))


def _trial(line: Mapping[str, Any], number: int) -> TrialResult:
    if line["number"] != number or line["state"] not in STATES or not isinstance(line["decisions"], dict):
        raise ValueError(f"line {number + 2} is not trial {number}")
    return TrialResult.of_stored(
        number,
        line["state"],
        line["attributes"],
        decisions=line["decisions"],
        values=None if line["values"] is None else tuple(map(float, line["values"])),
        curve=tuple((int(step), float(value)) for step, value in line["curve"]),
        started=line["started"] and datetime.fromisoformat(line["started"]),
        finished=line["finished"] and datetime.fromisoformat(line["finished"]),
    )


def _refusal(path: str | os.PathLike[str], reason: str) -> InputError:
    return InputError.of("recover", f"a file STUDY-rescued.jsonl of a search ({reason})", os.fspath(path))
