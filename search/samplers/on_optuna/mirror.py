"""Optuna's samplers, driven on a private study in memory.

An Optuna sampler reads a whole study. It gets one in memory whose trials have the numbers of the stored ones, and never
reads the storage. Its generators are seeded again for every (seed, trial, attempt).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers._lazy_random_state import LazyRandomState
from optuna.trial import FrozenTrial, TrialState

from results.trial_result import Status, TrialResult
from search.samplers.protocol import seed_of
from space.search_space import Decision, Decisions, Option, SearchSpace


class OptunaSampler:
    """An Optuna sampler on a mirror study in memory.

    ``replays`` says that the sampler keeps state when it is asked (generations of NSGA-II, the distribution of
    CMA-ES): a resumed search then asks it again for every stored trial. ``ordinal`` presents numbers as ordered
    integers instead of categories. ``forget`` is called before each draw, to drop what the sampler remembers apart
    from its trials.
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
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        self.patience: int | None = patience
        self._space, self._seed, self._sampler, self._replays = space, seed, sampler, replays
        self._study = _quiet_study(sampler, objectives)
        self._storage, self._study_id = self._study._storage, self._study._study_id
        self._ids: list[int] = []
        self._several = objectives > 1
        self._generators = list(_generators(sampler))
        self._ordinal, self._forget = ordinal, forget
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
        # Storage.set_trial_param copies the whole trial for each parameter; nothing else reads this one.
        trial = self._storage.get_trial(trial_id)
        trial.distributions = {name: self.distributions[name] for name in decisions}
        trial.params = {
            name: self._space.by_name[name].index(value) if self._ordinal else value
            for name, value in decisions.items()
        }

    def tell(self, result: TrialResult) -> None:
        """Closes the mirror's trial."""
        trial_id, values = self._trial_id(result.number), result.values
        state = TrialState.COMPLETE if values is not None else TrialState.FAIL
        if result.status is Status.PRUNED and not self._several and values is not None:
            # With several objectives Optuna has no pruned trials; such a one counts with its last accuracy.
            state = TrialState.PRUNED
            for step, accuracy in result.curve[:-1]:
                self._storage.set_trial_intermediate_value(trial_id, step, accuracy)
            self._storage.set_trial_intermediate_value(trial_id, last_step(result), values[0])
        self._study._thread_local.cached_all_trials = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._sampler.after_trial(self._study, self._storage.get_trial(trial_id), state, values)
            self._storage.set_trial_state_values(trial_id, state, values)

    def _trial_id(self, number: int) -> int:
        while len(self._ids) <= number:
            self._ids.append(self._storage.create_new_trial(self._study_id))
        return self._ids[number]

    def _draw(self, number: int, trial_id: int, attempt: int) -> Decisions:
        for index, state in enumerate(self._generators):
            state.rng.seed(seed_of(self._seed, number, attempt, index) & 0xFFFFFFFF)
        self._forget()
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


def last_step(result: TrialResult) -> int:
    """The last epoch that was measured; 1 where there is no curve."""
    return result.curve[-1][0] if result.curve else 1


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
