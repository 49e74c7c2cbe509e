"""The star's sampler: the whole star with one seed, then always the training that tells the most per second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from results.trial_result import TrialResult
from search.scaling.candidate_space import SEED, decisions_for, label_of
from search.scaling.candidates import ScalingCandidate
from search.scaling.informative_point import informative_training
from search.scaling.laws import Array
from search.scaling.loss_fit import LossFit, fit_loss
from search.scaling.loss_measurements import measured_losses
from space.errors import InputError
from space.search_space import Decisions

_DRAWS = 480


class StarSampler:
    """The ``first`` candidates with the first seed; then any candidate with any seed, chosen by the fitted loss law.

    Chosen is the training that would remove most of the variance of α, β, γ per expected second (seconds as they were measured, as a line
    in the MACs). The search ends when every interval, as a share of what the growth allows, is at most ``narrow``.
    """

    novel = False
    learns = True
    patience: int | None = None

    def __init__(
        self,
        candidates: Sequence[ScalingCandidate],
        first: Sequence[str],
        seeds: Sequence[int],
        *,
        epochs: float,
        growth: float = 2.0,
        narrow: float = 0.35,
    ) -> None:
        self._candidates, self._seeds = tuple(candidates), tuple(seeds)
        self._epochs, self._growth, self._narrow = epochs, growth, narrow
        self._order = [decisions_for(label, seeds[0]) for label in first]
        self._begun: list[Decisions] = []
        self._results: list[TrialResult] = []
        self.stopped = ""

    def propose(self, number: int) -> Iterator[Decisions]:
        """The next of the star; after it what tells the most."""
        if number < len(self._order):
            yield self._order[number]
            return
        chosen = self._choose()
        if chosen is not None:
            yield chosen

    def begin(self, number: int, decisions: Decisions) -> None:
        """Remembers what was begun, so that it is not proposed again."""
        self._begun.append(dict(decisions))

    def tell(self, result: TrialResult) -> None:
        """Remembers a measured loss."""
        if result.values is not None:
            self._results.append(result)

    def _choose(self) -> Decisions | None:
        """The next training, a function of the results so far; None to stop."""
        begun = {(label_of(one), one[SEED]) for one in self._begun}
        left = [(c, seed) for seed in self._seeds for c in self._candidates if (c.label, seed) not in begun]
        if not left:
            self.stopped = "every candidate was trained with every seed"
            return None
        try:
            points = measured_losses(self._results, self._candidates, self._epochs)
            fit = fit_loss(points, growth=self._growth, draws=_DRAWS)
        except InputError:  # too many of the star failed: there is no law yet
            return decisions_for(left[0][0].label, left[0][1])
        if fit.widest <= self._narrow:
            self.stopped = f"every interval is within {fit.widest:.0%} of what the growth allows"
            return None
        macs = np.array([c.macs for c, _ in left], dtype=np.float64)
        used = {int(seed) for seed in points.seed}
        best, _ = informative_training(
            fit,
            np.array([c.multipliers for c, _ in left]),
            macs,
            np.array([_noise(fit, seed in used) for _, seed in left]),
            self._seconds(macs),
        )
        return decisions_for(left[best][0].label, left[best][1])

    def _seconds(self, macs: Array) -> Array:
        """Expected seconds of trainings of networks with these MACs: a line through what was measured; MACs where nothing was."""
        known = {c.label: c.macs for c in self._candidates}
        pairs = [(known[label_of(r.decisions)], r.seconds) for r in self._results if r.seconds]
        if len({cost for cost, _ in pairs}) < 2:
            return macs
        measured = np.array(pairs, dtype=np.float64)
        slope, level = np.polyfit(measured[:, 0], measured[:, 1], 1)
        least = min(seconds for _, seconds in pairs)
        return np.asarray(np.maximum(level + slope * macs, least / 2), dtype=np.float64)


def _noise(fit: LossFit, seed_known: bool) -> float:
    """The standard deviation of one more loss: a new seed's luck is not known yet."""
    return fit.noise.single if seed_known else float(np.hypot(fit.noise.single, fit.noise.seed))
