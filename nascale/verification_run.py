"""Runs a verification: measures what the study does not hold yet, and stores what all of it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING, Any

from nascale.stopping import handlers_kept
from nascale.verification import PreparedVerification
from results.verification import Interval, Verification, verify
from results.verified import FreshMeasurement, fresh_measurements
from search.verification import Contender, VerificationStore, measure
from space.errors import RunError

if TYPE_CHECKING:
    from search.progress import Progress


@dataclass(frozen=True)
class VerificationResult:
    """``found`` is of the networks ``verified``; ``own`` is the same at the search's own fidelity, where that is known.

    ``failed`` are networks with the reason why there is no estimate. ``seconds`` is what each network took.
    """

    prepared: PreparedVerification
    verified: tuple[Contender, ...]
    found: Verification
    own: Verification | None
    gain: float | None
    failed: tuple[tuple[Contender, str], ...]
    seconds: Mapping[str, float]

    def luck(self) -> Interval | None:
        """Of the search's best network; None where its accuracy at the search's fidelity is not known."""
        first = self.prepared.networks[0]
        if self.own is None or first not in self.verified:
            return None
        return self.own.luck(self.verified.index(first), first.accuracy)


def run(
    prepared: PreparedVerification,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> VerificationResult:
    """Measures what is not in the study yet, and stores what all of it says.

    Raises RunError where fewer than two networks have a measurement with every seed.
    """
    from evaluators.pools.opening import open_pool
    from search.progress import Progress

    wanted = prepared.wanted()
    known = fresh_measurements(prepared.study.attributes)
    missing = [
        (one, m) for one, m in wanted if m.name not in known or (prepared.twice and known[m.name].lacks_again)
    ]
    if missing and len(missing) < len(wanted):
        say(f"going on: {len(wanted) - len(missing)} of {len(wanted)} measurements are there")
    lost: dict[str, FreshMeasurement] = {}
    progress = Progress(len(wanted), unit="measurements", finished=len(wanted) - len(missing))
    store = VerificationStore(prepared.study.storage, prepared.study.name, say=say)
    try:

        def count(measurement: FreshMeasurement) -> None:
            progress.finished, progress.new = progress.finished + 1, progress.new + 1
            progress.failed += measurement.error is not None
            report(progress)

        def keep(measurement: FreshMeasurement) -> None:
            store.keep(measurement)
            known[measurement.name] = measurement
            count(measurement)

        def lose(measurement: FreshMeasurement) -> None:
            lost[measurement.name] = measurement
            count(measurement)

        if missing:
            with handlers_kept():
                opened = open_pool(prepared.evaluator, prepared.pool, say)
            with opened as pool:
                measure(pool, missing, merit=prepared.merit, twice=prepared.twice, keep=keep, lost=lose)
        result = _judged(prepared, {**lost, **known})
        store.conclude(_summary(result))
        return result
    finally:
        store.close()


def _judged(prepared: PreparedVerification, known: Mapping[str, FreshMeasurement]) -> VerificationResult:
    rows: dict[str, list[FreshMeasurement]] = {one.key: [] for one in prepared.networks}
    for one, measurement in prepared.wanted():
        rows[one.key].append(known[measurement.name])
    failed = tuple(
        (one, next(m.error for m in rows[one.key] if m.error is not None))
        for one in prepared.networks
        if any(m.error is not None for m in rows[one.key])
    )
    verified = tuple(one for one in prepared.networks if all(m.error is None for m in rows[one.key]))
    if len(verified) < 2:
        raise RunError(f"fewer than two networks could be measured with every seed: {failed[0][1]}")

    def judge(figure: str) -> Verification:
        found = verify(
            [[_number(getattr(m, figure)) for m in rows[one.key]] for one in verified],
            [one.score for one in verified],
            factors=[one.factor for one in verified],
            level=prepared.request.level,
            step=1 / prepared.images if prepared.images else 0.0,
        )
        # The model's normal distributions know no end; accuracies do.
        ends = {name: getattr(found, name).clip(0.0, 1.0) for name in ("accuracies", "lows", "highs")}
        return replace(found, **ends)

    found = judge("accuracy")
    own = judge("again") if prepared.twice else found if prepared.same else None
    gain = float((found.means - own.means).mean()) if own is not None and not prepared.same else None
    seconds = {one.key: sum(m.seconds for m in rows[one.key]) for one in prepared.networks}
    return VerificationResult(prepared, verified, found, own, gain, failed, seconds)


def _number(value: float | None) -> float:
    return nan if value is None else value


def _summary(result: VerificationResult) -> dict[str, Any]:
    """What the study keeps beside the measurements themselves."""
    prepared, found, luck = result.prepared, result.found, result.luck()
    figures = zip(found.accuracies, found.lows, found.highs, found.probabilities, strict=True)
    networks = {
        one.key: {
            "verified_accuracy": float(accuracy),
            "verified_low": float(low),
            "verified_high": float(high),
            "probability_best": float(probability),
            "verified_seeds": len(prepared.seeds),
        }
        for one, (accuracy, low, high, probability) in zip(result.verified, figures, strict=True)
    }
    return {
        "fidelity": prepared.fidelity,
        "seeds": list(prepared.seeds),
        "level": found.level,
        "deviation": found.deviation,
        "luck": None if luck is None else luck.value,
        "networks": networks,
    }
