"""Optuna's genetic algorithms for several objectives: NSGA-II and NSGA-III."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace

POPULATION = 20


def _nsga2(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    import optuna

    from search.samplers.on_optuna.mirror import OptunaSampler

    sampler = optuna.samplers.NSGAIISampler(seed=seed, population_size=POPULATION)
    return OptunaSampler(space, seed, sampler, objectives, replays=True)


def _nsga3(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    import optuna

    from search.samplers.on_optuna.mirror import OptunaSampler

    sampler = optuna.samplers.NSGAIIISampler(seed=seed, population_size=POPULATION)
    return OptunaSampler(space, seed, sampler, objectives, replays=True)


SAMPLERS = (
    SamplerInfo("nsga2", "Optuna's NSGA-II, a genetic algorithm for several objectives", _nsga2),
    SamplerInfo("nsga3", "Optuna's NSGA-III, the same with reference points", _nsga3),
)
