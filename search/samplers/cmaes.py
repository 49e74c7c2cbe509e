"""Optuna's CMA-ES, for spaces whose decisions are all numbers and always active."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.errors import InputError
from space.search_space import SearchSpace


def _cmaes(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    if objectives > 1:
        raise InputError.of("sampler cmaes", "one objective", f"{objectives} objectives")
    for decision in space.decisions:
        if decision.parent is not None:
            raise InputError.of("sampler cmaes", "a space without conditional decisions", decision.name)
        if any(isinstance(option, str) for option in decision.options):
            raise InputError.of("sampler cmaes", "a space of numbers", f"{decision.name} of names")
        if list(decision.options) != sorted(decision.options):
            raise InputError.of("sampler cmaes", "options in rising order", decision.options)
    import optuna

    from search.samplers.on_optuna.mirror import OptunaSampler

    sampler = optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return OptunaSampler(space, seed, sampler, objectives, replays=True, ordinal=True)


SAMPLERS = (SamplerInfo("cmaes", "Optuna's CMA-ES; numbers without conditions", _cmaes),)
