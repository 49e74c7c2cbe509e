"""How a trained network came about, for its card: the search that proposed it, where it is still stored, and the export."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evaluators.export.card_sections import Story, command_of
from nascale.architectures import trial_of
from nascale.quantities import human_count, human_seconds
from nascale.repeat import repeat_command
from results.storage_url import redacted
from results.studies import StoredStudy, load
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.trained.run_folder import TrainedRun

_COUNTS = ("max_macs", "max_params", "max_flops", "max_activation_bytes")


def story_of(run: TrainedRun, storage: str | None, licence: str | None) -> Story:
    """The commands and sentences of the run's card. A study that is no longer there is only named."""
    exported = (command_of(shlex.join(map(redacted, sys.argv))),)
    trial = trial_of(str(run.spec.get("arch", "")))
    if trial is None:
        return Story(after=exported, licence=licence)
    study, number = trial
    try:
        stored = load(study, storage)
    except InputError:
        told: tuple[str, ...] = (f"Trial {number} of the study `{study}`.",)
        return Story(after=exported, sentences=told, licence=licence)
    command = stored.provenance.get("command") or repeat_command(study, stored.spec)
    return Story(
        before=(command_of(str(command)),),
        after=exported,
        sentences=tuple(_told(stored, number)),
        licence=licence,
    )


def _told(stored: StoredStudy, number: int) -> Iterator[str]:
    """What was searched, how much of it, and within which budgets."""
    spec = stored.spec
    measured = [trial for trial in stored.trials if trial.accuracy is not None]
    seconds = sum(trial.seconds or 0.0 for trial in measured)
    yield (
        f"Trial {number} of the study `{stored.name}`, a search of {len(stored.trials)} trials, of which {len(measured)} were "
        f"measured, in {human_seconds(seconds)} of training (space {spec.get('space')}, sampler {spec.get('sampler')})."
    )
    budgets = [
        f"{name.removeprefix('max_')} at most {human_count(spec[name])}" for name in _COUNTS if spec.get(name)
    ]
    if budgets:
        yield f"Budgets of the search: {', '.join(budgets)}."
    found = _accuracy(stored, number)
    if found is not None:
        yield (
            f"The search measured an accuracy of {found:.4f} at its own, lower fidelity; the best of many noisy measurements "
            "is a lucky one, so the figures above count."
        )


def _accuracy(stored: StoredStudy, number: int) -> float | None:
    return next((trial.accuracy for trial in stored.trials if trial.number == number), None)
