"""nascale's controller for neural architecture search as a sampler of Optuna.

The controller keeps no state of its own in a storage: what it knows is told again from the study's trials, in the order
of their numbers, so a study goes on with the same suggestions after a stop.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from optuna import Study
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

import nascale  # noqa: F401 - puts the packages below on the path
from results.trial_result import Status, TrialResult
from search.samplers.protocol import Sampler
from search.samplers.registry import samplers
from space.search_space import Decision, Decisions, SearchSpace

Condition = tuple[str, Sequence[Any]]
"""A parameter, and those of its values under which another one exists."""


class NASControllerSampler(BaseSampler):
    """Suggests architectures: a recurrent policy proposes them, a Gaussian process ranks the proposals.

    Args:
        search_space: The parameters in order, parents before what depends on them. Categorical ones, and whole numbers and
            floats with a step: a controller chooses among options.
        conditions: For a parameter that exists only under others, the parent and the values of it, as in
            ``{"kernel": ("operation", ["conv", "depthwise"])}``.
        accept: Whether an architecture (its active parameters) may be suggested at all. A budget on something that can be
            computed without training, such as its multiply-accumulates, belongs here: what is refused costs no trial.
        seed: The same seed and results give the same suggestions. None draws one.
        algorithm: ``"reinforce"`` or ``"ppo"``, how the policy is trained.

    Raises:
        ValueError: For a parameter of another kind, and for conditions that do not fit.
    """

    def __init__(
        self,
        search_space: Mapping[str, BaseDistribution],
        *,
        conditions: Mapping[str, Condition] | None = None,
        accept: Callable[[dict[str, Any]], bool] | None = None,
        seed: int | None = None,
        algorithm: str = "reinforce",
    ) -> None:
        names = {"reinforce": "controller", "ppo": "controller-ppo"}
        if algorithm not in names:
            raise ValueError(f"algorithm: wanted reinforce or ppo, got {algorithm!r}")
        self._search_space = dict(search_space)
        self._values = {name: _values(name, given) for name, given in search_space.items()}
        self._space = self._as_space(dict(conditions or {}))
        self._accept = accept
        self._seed = random.SystemRandom().getrandbits(62) if seed is None else seed
        self._make = samplers()[names[algorithm]].make
        self._random = RandomSampler(seed=seed)
        self._lock = threading.Lock()
        self._study = ""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._search_space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        with self._lock:
            self._catch_up(study, trial.number)
            decisions = self._suggested(trial.number)
            self._begin(trial.number, decisions)
            return self._parameters(decisions)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A parameter that is not in the search space, or asked for where it does not exist, is drawn at random."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        self._random.reseed_rng()

    # The space. Its options are the positions of Optuna's values where those are not plain.

    def _as_space(self, conditions: dict[str, Condition]) -> SearchSpace:
        for name in conditions:
            if name not in self._values:
                raise ValueError(f"conditions: {name!r} is no parameter of the search space")
        decisions = []
        for name in self._values:
            parent, when = conditions.get(name, (None, ()))
            if parent is not None and parent not in self._values:
                raise ValueError(f"conditions: {parent!r} is no parameter of the search space")
            under = () if parent is None else tuple(self._option(parent, value) for value in when)
            decisions.append(Decision(name, self._options(name), parent, under))
        return SearchSpace("optuna", tuple(decisions))

    def _options(self, name: str) -> tuple[Any, ...]:
        values = self._values[name]
        return tuple(range(len(values))) if any(value is None for value in values) else values

    def _option(self, name: str, value: Any) -> Any:
        for option, known in zip(self._options(name), self._values[name], strict=True):
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return option
        raise ValueError(f"{name}: {value!r} is none of {', '.join(map(repr, self._values[name]))}")

    def _parameters(self, decisions: Decisions) -> dict[str, Any]:
        """Decisions as Optuna's parameters."""
        return {
            name: self._values[name][self._options(name).index(option)] for name, option in decisions.items()
        }

    def _decisions(self, parameters: Mapping[str, Any]) -> Decisions | None:
        """The active decisions of a trial; None where some are missing or have other values."""
        found: Decisions = {}
        for decision in self._space.active(found):
            if decision.name not in parameters:
                return None
            try:
                found[decision.name] = self._option(decision.name, parameters[decision.name])
            except ValueError:
                return None
        return found

    # The study's trials.

    def _catch_up(self, study: Study, current: int) -> None:
        """Tells the controller of the trials that it does not know yet, those of other processes included."""
        if self._study != study.study_name:
            self._study = study.study_name
            self._controller: Sampler = self._make(self._space, self._seed, len(study.directions))
            self._begun: dict[int, Decisions] = {}
            self._told: set[int] = set()
        for trial in study.get_trials(deepcopy=False):
            if trial.number in self._told or trial.number == current:
                continue
            decisions = self._decisions(trial.params)
            if decisions is None:
                continue
            self._begin(trial.number, decisions)
            if trial.state.is_finished():
                self._told.add(trial.number)
                self._controller.tell(
                    TrialResult(
                        number=trial.number,
                        decisions=decisions,
                        status=Status.of_state(trial.state.name),
                        values=_maximised(trial, study.directions),
                    )
                )

    def _begin(self, number: int, decisions: Decisions) -> None:
        if self._begun.get(number) != decisions:
            self._begun[number] = decisions
            self._controller.begin(number, decisions)

    def _suggested(self, number: int) -> Decisions:
        """The first proposal that is accepted and new; the first accepted one where none is new."""
        known = {tuple(decisions.items()) for decisions in self._begun.values()}
        repeat: Decisions | None = None
        for proposal in islice(self._controller.propose(number), self._controller.patience):
            if self._accept is not None and not self._accept(self._parameters(proposal)):
                continue
            if tuple(proposal.items()) not in known:
                return proposal
            repeat = repeat or proposal
        if repeat is None:
            raise RuntimeError(f"accept: refused {self._controller.patience} proposals in a row")
        return repeat


def _values(name: str, distribution: BaseDistribution) -> tuple[Any, ...]:
    """The values of a parameter, in order."""
    match distribution:
        case CategoricalDistribution():
            return tuple(distribution.choices)
        case IntDistribution():
            return tuple(range(distribution.low, distribution.high + 1, distribution.step))
        case FloatDistribution(step=float(step)):
            count = round((distribution.high - distribution.low) / step)
            return tuple(distribution.low + step * index for index in range(count + 1))
    raise ValueError(f"{name}: wanted a categorical parameter or one with a step, got {distribution}")


def _maximised(trial: FrozenTrial, directions: Sequence[StudyDirection]) -> tuple[float, ...] | None:
    """The values of a trial with the sign that makes more of them better; of a pruned one the last that was reported."""
    values: Sequence[float] | None = trial.values if trial.state is TrialState.COMPLETE else None
    if trial.state is TrialState.PRUNED and len(directions) == 1 and trial.intermediate_values:
        last = trial.intermediate_values[max(trial.intermediate_values)]
        values = [last] if last == last else None  # nan is no result
    if values is None:
        return None
    signs = [1.0 if direction is StudyDirection.MAXIMIZE else -1.0 for direction in directions]
    return tuple(sign * value for sign, value in zip(signs, values, strict=True))
