"""How a study keeps its verification: one attribute for each fresh measurement, and one for what they say together.

``nascale verify`` measures the best networks of a study again. Each measurement becomes an attribute of the study of its own
as soon as it has ended, so that nothing is lost if the command is killed, and a later call asks only for what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from typing import Any

from results.trial_result import VERIFIED, TrialResult

SUMMARY = "verification"
"""The attribute that holds what the last verification found: ``networks``, their figures by key, and how it was made."""
_EACH = "verification/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshMeasurement:
    """One network measured with one fresh seed.

    ``fidelity`` says how thoroughly (``epochs=15``, or ``table``). ``accuracy`` is the figure that the search maximised, a
    fraction; ``again`` is the same figure after a training with the same seed at the search's own fidelity, where that
    was asked for. A network that cannot be trained with this seed has an ``error`` instead.
    """

    key: str
    seed: int
    fidelity: str
    accuracy: float | None = None
    again: float | None = None
    seconds: float = 0.0
    error: str | None = None

    @property
    def name(self) -> str:
        """The attribute that holds it; equal names are the same measurement."""
        digest = blake2b(self.key.encode(), digest_size=10).hexdigest()
        return f"{_EACH}{digest}/{self.seed}/{self.fidelity}"

    @property
    def lacks_again(self) -> bool:
        """Whether it has only the accuracy at its own fidelity."""
        return self.error is None and self.again is None

    def to_json(self) -> dict[str, Any]:
        """The attribute's value."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: object) -> FreshMeasurement | None:
        """The measurement that an attribute holds; None for anything else."""
        names = {item.name for item in fields(cls)}
        if not isinstance(value, Mapping) or not names >= value.keys() >= {"key", "seed", "fidelity"}:
            return None
        return cls(**value)


def fresh_measurements(attributes: Mapping[str, Any]) -> dict[str, FreshMeasurement]:
    """Name → measurement of all that a study's attributes hold."""
    held = (FreshMeasurement.of_json(value) for name, value in attributes.items() if name.startswith(_EACH))
    return {one.name: one for one in held if one is not None}


def with_verified(trials: Sequence[TrialResult], attributes: Mapping[str, Any]) -> tuple[TrialResult, ...]:
    """The trials, those of verified networks with the figures of the study's last verification."""
    summary = attributes.get(SUMMARY)
    networks = summary.get("networks") if isinstance(summary, Mapping) else None
    if not isinstance(networks, Mapping):
        return tuple(trials)
    known = {
        key: {name: value for name, value in figures.items() if name in VERIFIED}
        for key, figures in networks.items()
        if isinstance(figures, Mapping)
    }
    return tuple(
        replace(trial, **known[trial.key]) if trial.status.complete and trial.key in known else trial
        for trial in trials
    )
