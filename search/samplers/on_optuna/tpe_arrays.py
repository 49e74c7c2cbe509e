"""TPE with the suggestions of Optuna's TPE, from trials kept as arrays: half the time for each suggestion."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers._tpe.sampler import _RELATIVE_PARAMS_KEY, default_gamma
from optuna.search_space import IntersectionSearchSpace
from optuna.search_space.group_decomposed import _GroupDecomposedSearchSpace, _SearchSpaceGroup
from optuna.trial import FrozenTrial, TrialState

from results.trial_result import Status, TrialResult
from search.samplers.on_optuna.mirror import OptunaSampler, last_step
from space.search_space import Decisions, SearchSpace


class _Groups(_GroupDecomposedSearchSpace):
    """Which decisions occur together, updated with each result.

    Optuna's own reads all trials again at each suggestion, and the order of its groups depends on when it was
    asked. This one reads each trial once, in the order of their numbers.
    """

    def __init__(self) -> None:
        super().__init__(include_pruned=True)
        self._seen = 0

    def calculate(self, study: optuna.Study, use_cache: bool = False) -> _SearchSpaceGroup:
        """The groups of all finished trials."""
        trials = study._get_trials(deepcopy=False, states=None, use_cache=use_cache)
        while self._seen < len(trials) and trials[self._seen].state.is_finished():
            trial = trials[self._seen]
            self._seen += 1
            if trial.state != TrialState.FAIL:
                self._search_space.add_distributions(trial.distributions)
        return self._search_space


class _Whole(IntersectionSearchSpace):
    """The decisions of a space without conditions: every trial has them all, there is nothing to intersect."""

    def __init__(self, distributions: dict[str, BaseDistribution]) -> None:
        super().__init__(include_pruned=True)
        self._all = dict(sorted(distributions.items()))

    def calculate(self, study: optuna.Study, use_cache: bool = False) -> dict[str, BaseDistribution]:
        """All of them, by name."""
        return self._all


class ArrayTPE(optuna.samplers.TPESampler):
    """TPE with the same numbers, which keeps trials as arrays and in order of score.

    Optuna's own reads all trials, looks up their constraints and sorts them again at each suggestion. With several
    objectives, where trials are ranked differently, Optuna's own code is used.
    """

    def __init__(self, columns: dict[str, int], **options: Any) -> None:
        super().__init__(**options)
        self._columns = columns
        self._positions = np.full((256, len(columns)), -1, dtype=np.int64)
        self._running: set[int] = set()
        self._complete: list[tuple[float, int]] = []
        self._pruned: list[tuple[int, float, int]] = []

    def remember(self, number: int, positions: Mapping[str, int]) -> None:
        """The parameters of trial ``number``, which begins, as positions among their options."""
        self._running.add(number)
        while number >= len(self._positions):
            self._positions = np.concatenate([self._positions, np.full_like(self._positions, -1)])
        for name, position in positions.items():
            self._positions[number, self._columns[name]] = position

    def rank(self, number: int, value: float | None, pruned_at: int | None) -> None:
        """The value of a trial that has ended, to be maximised, and the step at which it was pruned."""
        self._running.discard(number)
        if value is None:
            return
        if pruned_at is None:
            insort(self._complete, (-value, number))
        else:
            insort(self._pruned, (-pruned_at, -value, number))  # who came further is better

    def _sample(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if len(study.directions) > 1:
            return super()._sample(study, trial, search_space)
        ranked = [entry[-1] for entry in (*self._complete, *self._pruned)]
        good = default_gamma(len(ranked))
        if self._constant_liar:
            ranked += self._running - {trial.number}  # those under measurement count as poor
        below, above = (
            self._parzen_estimator_cls(
                self._observed(np.sort(np.array(numbers, dtype=np.int64)), search_space),
                search_space,
                self._parzen_estimator_parameters,
            )
            for numbers in (ranked[:good], ranked[good:])
        )
        candidates = below.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(candidates, self._compute_acquisition_func(candidates, below, above))
        return {name: known.to_external_repr(best[name]) for name, known in search_space.items()}

    def _get_internal_repr(
        self, trials: list[FrozenTrial], search_space: dict[str, BaseDistribution], study: optuna.Study
    ) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        numbers = np.fromiter((trial.number for trial in trials), dtype=np.int64, count=len(trials))
        return self._observed(numbers, search_space)

    def _observed(
        self, numbers: np.ndarray[Any, np.dtype[np.int64]], search_space: dict[str, BaseDistribution]
    ) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
        """The positions of those trials that have all of ``search_space``, in the order of ``numbers``."""
        chosen = self._positions[numbers][:, [self._columns[name] for name in search_space]]
        chosen = chosen[(chosen >= 0).all(axis=1)]
        return {name: chosen[:, i] for i, name in enumerate(search_space)}


class TPESampler(OptunaSampler):
    """TPE; multivariate within the groups of decisions that occur together where a space has conditions."""

    def __init__(self, space: SearchSpace, seed: int, objectives: int) -> None:
        conditional = any(d.parent for d in space.decisions)
        options: dict[str, Any] = {"multivariate": True, "group": True} if conditional else {}
        columns = {d.name: i for i, d in enumerate(space.decisions)}
        self._tpe = ArrayTPE(columns, seed=seed, **options)
        super().__init__(space, seed, self._tpe, objectives)
        if conditional:
            self._tpe._group_decomposed_search_space = _Groups()
        else:
            self._tpe._search_space = _Whole(self.distributions)

    def begin(self, number: int, decisions: Decisions) -> None:
        """Gives the mirror's trial its parameters, and TPE their positions."""
        super().begin(number, decisions)
        self._tpe.remember(number, {n: self._space.by_name[n].index(v) for n, v in decisions.items()})
        # TPE notes what it drew together, inactive decisions and rejected draws included; the trial's own
        # parameters are what counts, and all that a resumed search has.
        self._storage.set_trial_system_attr(self._trial_id(number), f"{_RELATIVE_PARAMS_KEY}:0", "")

    def tell(self, result: TrialResult) -> None:
        """Ranks the trial and closes the mirror's."""
        pruned = result.status is Status.PRUNED and not self._several and result.values is not None
        value = None if result.values is None else result.values[0]
        self._tpe.rank(result.number, value, last_step(result) if pruned else None)
        super().tell(result)
