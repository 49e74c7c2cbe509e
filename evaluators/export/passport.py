"""The passport: everything from which a training can be repeated and compared with what it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.trained.run_folder import TrainedRun
from space.errors import InputError

PASSPORT = "passport.json"
FORMAT = 1


@dataclass(frozen=True)
class Passport:
    """A training that is to be repeated: the run as its folder described it, and the SHA-256 sum of its kept weights."""

    run: TrainedRun
    weights: str

    @classmethod
    def of(cls, run: TrainedRun) -> Passport:
        """The passport of a run. Raises InputError where its weights cannot be read."""
        return cls(run, run.weights_checksum())

    def to_json(self) -> dict[str, Any]:
        """The document of ``passport.json``."""
        return {"passport": FORMAT, "weights": self.weights, "run": self.run.to_json()}


def read_passport(path: str | Path) -> Passport:
    """The passport that an export wrote. Raises InputError (PASSPORT) for anything else."""
    file = Path(path)
    wanted = "a passport.json that nascale export wrote"
    try:
        document = json.loads(file.read_bytes())
        if document["passport"] != FORMAT:
            raise InputError.of("PASSPORT", f"a passport of format {FORMAT}", document["passport"])
        run = TrainedRun.of_json(file.parent, document["run"])
        return Passport(run, str(document["weights"]))
    except OSError as error:
        raise InputError.of("PASSPORT", wanted, f"{path} ({error.strerror})") from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError) and str(error).startswith("PASSPORT"):
            raise
        raise InputError.of("PASSPORT", wanted, f"{path} ({error!r})") from None
