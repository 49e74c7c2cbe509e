"""Optuna's Gaussian process sampler."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace


def _gp(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    import optuna

    from search.samplers.on_optuna.mirror import OptunaSampler

    sampler = optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)

    def forget() -> None:
        # GPSampler starts each fit from the last one's kernel: history that a resumed search lacks.
        sampler._gprs_cache_list = None

    # A draw takes a fit and an optimisation: over budget, the loop had better look for itself.
    return OptunaSampler(space, seed, sampler, objectives, patience=3, forget=forget)


SAMPLERS = (SamplerInfo("gp", "Optuna's Gaussian process", _gp),)
