"""The passport: everything from which a training can be repeated and compared with what it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.export.certificate import checksum
from evaluators.trained.run_folder import TrainedRun
from space.errors import InputError

PASSPORT = "passport.json"
FORMAT = 1
_FILES = ("init", "teacher_weights")
"""Settings of a training that name a file of weights."""


@dataclass(frozen=True)
class Passport:
    """A training that is to be repeated: the run as its folder described it, and sums of the files that it read.

    ``weights`` is the SHA-256 sum of the run's best weights, ``started_from`` has those of the files of weights that the
    training read, by setting.
    """

    run: TrainedRun
    weights: str
    started_from: Mapping[str, str]

    @classmethod
    def of(cls, run: TrainedRun) -> Passport:
        """The passport of a run; files that it started from and that are gone have no sum."""
        read = {name: run.spec.get(name) for name in _FILES}
        sums = {name: checksum(Path(path)) for name, path in read.items() if path and Path(path).is_file()}
        return cls(run, run.weights_checksum(), sums)

    def to_json(self) -> dict[str, Any]:
        """The document of ``passport.json``."""
        return {
            "passport": FORMAT,
            "weights": self.weights,
            "started_from": dict(self.started_from),
            "run": self.run.to_json(),
        }

    def check_files(self) -> None:
        """Raises InputError unless the files that the training started from are what they were."""
        for name, digest in self.started_from.items():
            path = Path(self.run.spec[name])
            if not path.is_file() or checksum(path) != digest:
                came = "another file" if path.is_file() else "none"
                raise InputError.of(
                    f"--{name.replace('_', '-')}", f"{path} with the SHA-256 sum {digest}", came
                )


def read_passport(path: str | Path) -> Passport:
    """The passport that an export wrote. Raises InputError (PASSPORT) for anything else."""
    file = Path(path)
    wanted = "a passport.json that nascale export wrote"
    try:
        document = json.loads(file.read_bytes())
        if document["passport"] != FORMAT:
            raise InputError.of("PASSPORT", f"a passport of format {FORMAT}", document["passport"])
        run = TrainedRun.of_json(file.parent, document["run"])
        return Passport(run, str(document["weights"]), dict(document["started_from"]))
    except OSError as error:
        raise InputError.of("PASSPORT", wanted, f"{path} ({error.strerror})") from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError) and str(error).startswith("PASSPORT"):
            raise
        raise InputError.of("PASSPORT", wanted, f"{path} ({error!r})") from None
