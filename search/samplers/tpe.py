"""Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace


def _tpe(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    from search.samplers.on_optuna.tpe_arrays import TPESampler

    return TPESampler(space, seed, objectives)


SAMPLERS = (SamplerInfo("tpe", "Optuna's tree-structured Parzen estimator", _tpe),)
