"""The reinforcement-learned controller as a sampler; its parts are in ``search.controller``."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace


def _reinforce(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    from search.controller.sampler import ControllerSampler

    return ControllerSampler(space, seed, objectives)


def _ppo(space: SearchSpace, seed: int, objectives: int) -> Sampler:
    from search.controller.sampler import ControllerSampler

    return ControllerSampler(space, seed, objectives, algorithm="ppo")


SAMPLERS = (
    SamplerInfo("controller", "reinforcement-learned policy with a critic, by REINFORCE", _reinforce),
    SamplerInfo("controller-ppo", "the same policy, learned by PPO", _ppo),
)
