"""What a verification says on the screen: its rows, and in sentences who is best, how far the search's order held, and luck."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

from nascale.verification import PreparedVerification
from nascale.verification_run import VerificationResult
from results.storage_url import redacted


def opening(prepared: PreparedVerification) -> str:
    """What is going to be measured, in one line."""
    study = prepared.study
    line = (
        f"study {study.name} in {redacted(study.storage)}: its best {len(prepared.networks)} networks, "
        f"each with {len(prepared.seeds)} fresh seeds"
    )
    if prepared.epochs is None:
        return f"{line} of the table"
    own = f", and as in the search for {prepared.own_epochs}" if prepared.twice else ""
    return f"{line}, trained for {_epochs(prepared.epochs)}{own}"


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"


def table(result: VerificationResult) -> list[dict[str, Any]]:
    """One row for each network, the best corrected estimate first, then those that could not be measured."""
    prepared, found, own = result.prepared, result.found, result.own
    places = {one.key: place for place, one in enumerate(prepared.networks, start=1)}
    merits = found.accuracies * [one.factor for one in result.verified]
    rows: list[dict[str, Any]] = []
    for index in sorted(range(len(merits)), key=lambda i: (-merits[i], result.verified[i].number)):
        one = result.verified[index]
        rows.append(
            {
                "number": one.number,
                "search_rank": places[one.key],
                "search_accuracy": one.accuracy,
                "verified_accuracy": float(found.accuracies[index]),
                "low": float(found.lows[index]),
                "high": float(found.highs[index]),
                "probability_best": float(found.probabilities[index]),
                "luck": own.luck(index, one.accuracy).value if own is not None else None,
                "mean_accuracy": float(found.means[index]),
                "seeds": len(prepared.seeds),
                "epochs": prepared.epochs,
                "seconds": result.seconds[one.key],
                "key": one.key,
                "error": None,
            }
        )
    for one, error in result.failed:
        missing = dict.fromkeys(rows[0], None)
        known = {"number": one.number, "search_rank": places[one.key], "search_accuracy": one.accuracy}
        rows.append({**missing, **known, "key": one.key, "error": error})
    return rows


def sentences(result: VerificationResult) -> list[str]:
    """Who is best, how far the search's order held, what was luck, and what was measured on."""
    return [_best(result), _order(result), *_luck(result), _images(result)]


def _best(result: VerificationResult) -> str:
    found, ranked = result.found, table(result)
    first, second = ranked[0], ranked[1]
    what = (
        "the best" if all(one.factor == 1 for one in result.verified) else "the best by the search's reward"
    )
    return (
        f"trial {first['number']} is {what} of these {len(result.verified)} with probability "
        f"{first['probability_best']:.2f}, then trial {second['number']} with {second['probability_best']:.2f}; one "
        f"measurement deviates by {100 * found.deviation:.2f} points between seeds"
    )


def _order(result: VerificationResult) -> str:
    ranking = result.found.ranking
    if isnan(ranking.value):
        return "the search gave all of them the same score, so it did not rank them"
    return (
        f"the search's order of these {len(result.verified)} against the verified one: Kendall's τ {ranking.value:+.2f} "
        f"({ranking.low:+.2f} to {ranking.high:+.2f})"
    )


def _luck(result: VerificationResult) -> list[str]:
    prepared, luck = result.prepared, result.luck()
    first = prepared.networks[0]
    if luck is None:
        shared = prepared.spec.evaluator == "supernet"
        if shared:
            why = "accuracies of shared weights cannot be compared with those of trainings"
        elif first not in result.verified:
            why = f"trial {first.number}, the search's best, could not be measured"
        else:
            why = "nothing was measured at the search's own epochs (--again does)"
        return [f"how much of the search's best accuracy was luck is not known: {why}"]
    own = (
        f"at the search's {_epochs(prepared.own_epochs)}"
        if prepared.own_epochs is not None
        else "in the table"
    )
    lines = [
        f"luck: the search measured {first.accuracy:.4f} for trial {first.number}, its best; with fresh seeds {own} it "
        f"is {first.accuracy - luck.value:.4f}, so its luck was {100 * luck.value:+.2f} points ({100 * luck.low:+.2f} to "
        f"{100 * luck.high:+.2f})"
    ]
    if result.gain is not None:
        lines.append(
            f"{prepared.epochs} epochs instead of {prepared.own_epochs} bring {100 * result.gain:+.2f} points on average"
        )
    return lines


def _images(result: VerificationResult) -> str:
    count = result.prepared.images
    if not count:
        return "intervals are of the table's seeds"
    best = min(1.0, max(0.0, float(result.found.accuracies[result.found.best])))
    error = sqrt(best * (1 - best) / count)
    return (
        f"measured on the {count} validation images, which the search saw too; the test images stay untouched. Intervals are of "
        f"the seeds: {count} other images would move an accuracy by about {100 * error:.1f} points"
    )
