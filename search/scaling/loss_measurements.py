"""The losses that a study has measured of scaling candidates, as points of the loss law."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from evaluators.evaluator import COOLED
from results.trial_result import TrialResult
from search.scaling.candidate_space import SEED, label_of
from search.scaling.candidates import ScalingCandidate
from search.scaling.loss_points import LossPoints
from search.scaling.points import DIMENSIONS


def loss_rows(
    results: Iterable[TrialResult], candidates: Sequence[ScalingCandidate], epochs: float
) -> Iterator[dict[str, Any]]:
    """A row of ``LossPoints`` for every finished training, or for each of its cool-downs; cache hits are not counted again.

    ``epochs`` is the length of a training without cool-downs.
    """
    known = {c.label: c for c in candidates}
    for result in results:
        if not (result.trained_here and result.status.complete) or result.loss is None:
            continue
        candidate = known[label_of(result.decisions)]
        measured = result.extra.get(COOLED) or [(epochs, result.loss, result.accuracy)]
        for length, loss, accuracy in measured:
            yield {
                "candidate": candidate.label,
                **dict(zip(DIMENSIONS, candidate.multipliers, strict=True)),
                "macs": candidate.macs,
                "epochs": length,
                "loss": loss,
                "accuracy": accuracy,
                "seed": result.decisions[SEED],
                "seconds": result.seconds,
            }


def measured_losses(
    results: Iterable[TrialResult], candidates: Sequence[ScalingCandidate], epochs: float
) -> LossPoints:
    """The points of ``loss_rows``. Raises InputError where there are none."""
    return LossPoints.of(list(loss_rows(results, candidates, epochs)))
