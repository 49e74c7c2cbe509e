"""The reinforcement-learned controller as a sampler; its parts are in ``search.controller``."""

from __future__ import annotations

from search.samplers.protocol import Sampler, SamplerInfo
from space.search_space import SearchSpace


def _info(name: str, description: str, algorithm: str = "reinforce", parts: str = "both") -> SamplerInfo:
    def make(space: SearchSpace, seed: int, objectives: int) -> Sampler:
        from search.controller.sampler import ControllerSampler

        return ControllerSampler(space, seed, objectives, algorithm, parts)

    return SamplerInfo(name, description, make)


SAMPLERS = (
    _info("controller", "reinforcement-learned policy with critics, by REINFORCE"),
    _info("controller-ppo", "the same policy, learned by PPO", "ppo"),
    _info("controller-policy", "the policy alone: what it proposes is not ranked", parts="policy"),
    _info("controller-critic", "the critics alone: what they rank is drawn without a policy", parts="critic"),
)
