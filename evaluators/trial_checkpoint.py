"""The checkpoint of a trial's training, in the cache folder of the machine that trains it.

A trial that is begun again on that machine, after whatever kill, goes on from it to the same weights and figures, bit for
bit. Its file is named by all that they depend on, so nothing else can go on from it; it is removed with the trial's end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, NamedTuple

from evaluators.cache import cache_folder
from evaluators.evaluator import Candidate, Measurement
from evaluators.trainer.checkpoint import read_checkpoint, write_checkpoint
from space.errors import InputError

_FOLDER = "trials"
_KEPT_SECONDS = 14 * 86400.0
"""Checkpoints of searches that nobody went on with are removed after two weeks."""


class Kept(NamedTuple):
    """What a checkpoint holds: the training's state, the measurements before it, and the seconds until then."""

    training: Mapping[str, Any]
    measured: list[Measurement]
    seconds: float


class TrialCheckpoint:
    """The checkpoint of one training, written every ``seconds``; ``depends`` is all that its figures depend on."""

    def __init__(self, candidate: Candidate, depends: Mapping[str, Any], seconds: float) -> None:
        told = repr((candidate.key, candidate.stream, sorted(depends.items(), key=str)))
        name = blake2b(told.encode(), digest_size=16).hexdigest()
        self._path = cache_folder() / _FOLDER / f"{name}.pt"
        self._every = seconds
        self._written = time.monotonic()

    def read(self) -> Kept | None:
        """What was kept; None where there is nothing, or nothing whole: the training then begins at its start."""
        try:
            state = read_checkpoint(self._path)
        except InputError:
            return None
        if state is None:
            return None
        return Kept(state["training"], [Measurement(**one) for one in state["measured"]], state["seconds"])

    @property
    def is_due(self) -> bool:
        """Whether the time between two checkpoints has passed."""
        return time.monotonic() - self._written >= self._every

    def write(self, training: Mapping[str, Any], measured: Sequence[Measurement], seconds: float) -> None:
        """Replaces the checkpoint in one step. Where there is no room for it the trial goes on without."""
        state = {
            "training": dict(training),
            "measured": [asdict(one) | {"extra": dict(one.extra)} for one in measured],
            "seconds": seconds,
        }
        with suppress(InputError, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_checkpoint(self._path, state)
        self._written = time.monotonic()

    def remove(self) -> None:
        """Removes the checkpoint, and those of others that were forgotten."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            for other in self._path.parent.iterdir():
                if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
                    other.unlink(missing_ok=True)
