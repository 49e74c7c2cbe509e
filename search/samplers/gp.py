"""Optuna's Gaussian process sampler."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace


def _gp(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    import optuna

    from search.samplers.on_optuna.mirror import OptunaSampler

    sampler = optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)

    def forget() -> None:
        # GPSampler starts each fit from the kernel of the previous one, which a resumed search does not have.
        sampler._gprs_cache_list = None

    # Each proposal costs a fit and an optimisation, so after a few that are over budget the loop searches itself.
    return OptunaSampler(space, seed, sampler, objectives, patience=3, forget=forget)


SAMPLERS = (SamplerInfo("gp", "Optuna's Gaussian process", _gp),)
