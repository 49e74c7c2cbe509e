"""Searchers by name, and Optuna's samplers driven on a private study in memory.

An Optuna sampler wants a whole study to look at. It gets one in memory whose trials have the numbers of
the stored ones, and never sees the storage. Its generators are seeded anew for every (seed, trial, attempt).
"""

from __future__ import annotations

import logging
import warnings
from bisect import insort
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers._lazy_random_state import LazyRandomState
from optuna.samplers._tpe.sampler import _RELATIVE_PARAMS_KEY, default_gamma
from optuna.search_space import IntersectionSearchSpace
from optuna.search_space.group_decomposed import _GroupDecomposedSearchSpace, _SearchSpaceGroup
from optuna.trial import FrozenTrial, TrialState

from search.controller import ControllerSearcher
from search.evolution import EvolutionSearcher
from search.searcher import RandomSearcher, Searcher, Told, generator, seed_of
from search.settings import SearchSettings
from space.errors import InputError, UnknownNameError
from space.search_space import Decision, Decisions, Option, SearchSpace

LARGEST_GRID = 100_000


class GridSearcher:
    """Every assignment once, in an order shuffled by the seed; the stream ends when all were proposed."""

    novel = True
    learns = False
    patience: int | None = None

    def __init__(self, space: SearchSpace, seed: int) -> None:
        if space.size > LARGEST_GRID:
            raise InputError(
                f"sampler grid: wanted a space of at most {LARGEST_GRID} assignments, got {space.name} with {space.size}"
            )
        self._order = list(space.enumerate())
        generator(seed, "grid").shuffle(self._order)
        self._next = 0

    def propose(self, number: int) -> Iterator[Decisions]:
        """What is left of the order."""
        return iter(self._order[self._next :])

    def begin(self, number: int, decisions: Decisions) -> None:
        """Goes past the assignment that was taken."""
        for index in range(self._next, len(self._order)):
            if self._order[index] == decisions:
                self._next = index + 1
                return

    def tell(self, told: Told) -> None:
        """Nothing to learn."""


class OptunaSearcher:
    """An Optuna sampler on a mirror study in memory.

    ``replays`` says that the sampler keeps state of its own from asking (generations of NSGA-II, the
    distribution of CMA-ES): a resumed search then asks it again for every stored trial. ``ordinal`` shows
    it numbers as ordered integers instead of categories.
    """

    novel = False
    learns = True

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        sampler: optuna.samplers.BaseSampler,
        objectives: int,
        *,
        replays: bool = False,
        ordinal: bool = False,
        patience: int = 30,
    ) -> None:
        self.patience: int | None = patience
        self._space, self._seed, self._sampler, self._replays = space, seed, sampler, replays
        self._study = _quiet_study(sampler, objectives)
        self._storage, self._study_id = self._study._storage, self._study._study_id
        self._ids: list[int] = []
        self._several = objectives > 1
        self._generators = list(_generators(sampler))
        if getattr(sampler, "_group_decomposed_search_space", None) is not None:
            sampler._group_decomposed_search_space = _Groups()  # type: ignore[attr-defined]
        self._ordinal = ordinal
        self.distributions: dict[str, BaseDistribution] = {
            d.name: IntDistribution(0, len(d.options) - 1) if ordinal else CategoricalDistribution(d.options)
            for d in space.decisions
        }

    def propose(self, number: int) -> Iterator[Decisions]:
        """An endless stream; every attempt has a seed of its own."""
        trial_id = self._trial_id(number)
        return (self._draw(number, trial_id, attempt) for attempt in count())

    def begin(self, number: int, decisions: Decisions) -> None:
        """Gives the mirror's trial its parameters."""
        if self._replays and number >= len(self._ids):
            next(self.propose(number))
        trial_id = self._trial_id(number)
        # Storage.set_trial_param copies the whole trial for each parameter; here nobody else looks at it.
        trial = self._storage.get_trial(trial_id)
        trial.distributions = {name: self.distributions[name] for name in decisions}
        trial.params = {
            name: self._space.by_name[name].index(value) if self._ordinal else value
            for name, value in decisions.items()
        }
        if isinstance(self._sampler, _RememberingTPE):
            self._sampler.remember(number, {n: self._space.by_name[n].index(v) for n, v in decisions.items()})
            # TPE notes what it drew together, inactive decisions and rejected draws included; the
            # trial's own parameters are what counts, and all that a resumed search has.
            self._storage.set_trial_system_attr(trial_id, f"{_RELATIVE_PARAMS_KEY}:0", "")

    def tell(self, told: Told) -> None:
        """Closes the mirror's trial."""
        trial_id = self._trial_id(told.number)
        state = TrialState.COMPLETE if told.values is not None else TrialState.FAIL
        if told.state == "pruned" and not self._several and told.values is not None:
            # With several objectives Optuna has no pruned trials; such a one counts with its last accuracy.
            state = TrialState.PRUNED
            for step, accuracy in told.curve[:-1]:
                self._storage.set_trial_intermediate_value(trial_id, step, accuracy)
            self._storage.set_trial_intermediate_value(
                trial_id, told.curve[-1][0] if told.curve else 1, told.values[0]
            )
        if isinstance(self._sampler, _RememberingTPE):
            last = told.curve[-1][0] if told.curve else 1
            value = None if told.values is None else told.values[0]
            self._sampler.rank(told.number, value, last if state == TrialState.PRUNED else None)
        self._study._thread_local.cached_all_trials = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._sampler.after_trial(self._study, self._storage.get_trial(trial_id), state, told.values)
            self._storage.set_trial_state_values(trial_id, state, told.values)

    def _trial_id(self, number: int) -> int:
        while len(self._ids) <= number:
            self._ids.append(self._storage.create_new_trial(self._study_id))
        return self._ids[number]

    def _draw(self, number: int, trial_id: int, attempt: int) -> Decisions:
        for index, state in enumerate(self._generators):
            state.rng.seed(seed_of(self._seed, number, attempt, index) & 0xFFFFFFFF)
        if hasattr(self._sampler, "_gprs_cache_list"):
            # GPSampler starts each fit from the last one's kernel: history that a resumed search lacks.
            self._sampler._gprs_cache_list = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Study.ask does the same: what a sampler remembers of the study is forgotten at each new trial.
            self._study._thread_local.cached_all_trials = None
            trial = self._storage.get_trial(trial_id)
            self._sampler.before_trial(self._study, trial)
            trial = self._storage.get_trial(trial_id)
            relative_space = self._sampler.infer_relative_search_space(self._study, trial)
            relative = self._sampler.sample_relative(self._study, trial, relative_space)
            chosen: Decisions = {}
            for decision in self._space.active(chosen):
                chosen[decision.name] = self._value(decision, trial, relative)
        return chosen

    def _value(self, decision: Decision, trial: FrozenTrial, relative: dict[str, Any]) -> Option:
        distribution = self.distributions[decision.name]
        if len(decision.options) == 1:
            return decision.options[0]
        value: Any
        if decision.name in relative:
            value = relative[decision.name]
        else:
            value = self._sampler.sample_independent(self._study, trial, decision.name, distribution)
        option: Option = decision.options[value] if self._ordinal else value
        return option


class _Groups(_GroupDecomposedSearchSpace):
    """Which decisions occur together, kept up with what is told.

    Optuna's own goes through all trials again at each suggestion, and the order of its groups depends on
    when it was asked; this one takes each trial once, in order of number.
    """

    def __init__(self) -> None:
        super().__init__(include_pruned=True)
        self._seen = 0

    def calculate(self, study: optuna.Study, use_cache: bool = False) -> _SearchSpaceGroup:
        """The groups of all trials that were told."""
        trials = study._get_trials(deepcopy=False, states=None, use_cache=use_cache)
        while self._seen < len(trials) and trials[self._seen].state.is_finished():
            trial = trials[self._seen]
            self._seen += 1
            if trial.state != TrialState.FAIL:
                self._search_space.add_distributions(trial.distributions)
        return self._search_space


def _quiet_study(sampler: optuna.samplers.BaseSampler, objectives: int) -> optuna.Study:
    """A study in memory that maximises everything, made without Optuna's line on the screen."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, logging.WARNING))
    try:
        return optuna.create_study(sampler=sampler, directions=["maximize"] * objectives)
    finally:
        optuna.logging.set_verbosity(level)


def _generators(root: Any, seen: set[int] | None = None) -> Iterator[LazyRandomState]:
    """Every random generator that an Optuna sampler or one of its parts holds, in order of attributes."""
    seen = set() if seen is None else seen
    if id(root) in seen:
        return
    seen.add(id(root))
    if isinstance(root, LazyRandomState):
        yield root
    elif hasattr(root, "__dict__") and any(c.__module__.startswith("optuna.") for c in type(root).__mro__):
        for _, part in sorted(vars(root).items()):
            yield from _generators(part, seen)


class _Whole(IntersectionSearchSpace):
    """The decisions of a space without conditions: every trial has them all, there is nothing to intersect."""

    def __init__(self, distributions: dict[str, BaseDistribution]) -> None:
        super().__init__(include_pruned=True)
        self._all = dict(sorted(distributions.items()))

    def calculate(self, study: optuna.Study, use_cache: bool = False) -> dict[str, BaseDistribution]:
        """All of them, by name."""
        return self._all


class _RememberingTPE(optuna.samplers.TPESampler):
    """TPE with the same numbers, which keeps trials as arrays and in order of worth.

    Optuna's own reads all trials, looks for their constraints and sorts them again at each suggestion. With several
    objectives, which are ranked in other ways, it still does.
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


def _tpe(space: SearchSpace, settings: SearchSettings, objectives: int) -> Searcher:
    conditional = any(d.parent for d in space.decisions)
    options: dict[str, Any] = {"multivariate": True, "group": True} if conditional else {}
    columns = {d.name: i for i, d in enumerate(space.decisions)}
    sampler = _RememberingTPE(columns, seed=settings.seed, **options)
    searcher = OptunaSearcher(space, settings.seed, sampler, objectives)
    if not conditional:
        sampler._search_space = _Whole(searcher.distributions)
    return searcher


def _gp(space: SearchSpace, settings: SearchSettings, objectives: int) -> Searcher:
    sampler = optuna.samplers.GPSampler(seed=settings.seed, warn_independent_sampling=False)
    # A draw takes a fit and an optimisation: over budget, the loop had better look for itself.
    return OptunaSearcher(space, settings.seed, sampler, objectives, patience=3)


def _nsga2(space: SearchSpace, settings: SearchSettings, objectives: int) -> Searcher:
    sampler = optuna.samplers.NSGAIISampler(seed=settings.seed, population_size=20)
    return OptunaSearcher(space, settings.seed, sampler, objectives, replays=True)


def _nsga3(space: SearchSpace, settings: SearchSettings, objectives: int) -> Searcher:
    sampler = optuna.samplers.NSGAIIISampler(seed=settings.seed, population_size=20)
    return OptunaSearcher(space, settings.seed, sampler, objectives, replays=True)


def _cmaes(space: SearchSpace, settings: SearchSettings, objectives: int) -> Searcher:
    if objectives > 1:
        raise InputError.of("sampler cmaes", "one objective", f"{objectives} objectives")
    for decision in space.decisions:
        if decision.parent is not None:
            raise InputError.of("sampler cmaes", "a space without conditional decisions", decision.name)
        if any(isinstance(option, str) for option in decision.options):
            raise InputError.of("sampler cmaes", "a space of numbers", f"{decision.name} of names")
        if list(decision.options) != sorted(decision.options):
            raise InputError.of("sampler cmaes", "options in rising order", decision.options)
    sampler = optuna.samplers.CmaEsSampler(seed=settings.seed, warn_independent_sampling=False)
    return OptunaSearcher(space, settings.seed, sampler, objectives, replays=True, ordinal=True)


Factory = Callable[[SearchSpace, SearchSettings, int], Searcher]

SAMPLERS: dict[str, Factory] = {
    "controller": lambda space, s, n: ControllerSearcher(space, s.seed, n),
    "controller-ppo": lambda space, s, n: ControllerSearcher(space, s.seed, n, algorithm="ppo"),
    "tpe": _tpe,
    "gp": _gp,
    "nsga2": _nsga2,
    "nsga3": _nsga3,
    "cmaes": _cmaes,
    "random": lambda space, s, n: RandomSearcher(space, s.seed),
    "grid": lambda space, s, n: GridSearcher(space, s.seed),
    "evolution": lambda space, s, n: EvolutionSearcher(space, s.seed),
}


def searcher(space: SearchSpace, settings: SearchSettings) -> Searcher:
    """The searcher that ``settings.sampler`` names. Raises UnknownNameError with the nearest names."""
    if settings.sampler not in SAMPLERS:
        raise UnknownNameError("sampler", settings.sampler, SAMPLERS)
    with warnings.catch_warnings():
        # group=True of TPE is marked experimental; it is what fits conditional decisions.
        warnings.simplefilter("ignore")
        return SAMPLERS[settings.sampler](space, settings, len(settings.objective.names))
