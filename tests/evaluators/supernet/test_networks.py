"""The networks that take part in a supernet's training stay within the limits."""

from __future__ import annotations

import random

from evaluators.training import TrainEvaluator
from space.cost import costs
from tests.evaluators.supernet.tiny import SPACE, supernet


def test_only_networks_within_the_limits_are_trained(trainer: TrainEvaluator) -> None:
    sizes = [costs(SPACE.decode(d)).params for d in SPACE.enumerate()]
    bound = sorted(sizes)[len(sizes) // 2]
    rng = random.Random(0)
    networks = supernet(trainer, limits={"params": bound}).networks()
    drawn = [networks.draw(rng) for _ in range(60)]
    assert max(costs(a).params for a in drawn) <= bound < max(sizes)
    assert len({a.key for a in drawn}) > 3
    impossible = supernet(trainer, limits={"params": 1}).networks().draw(rng)
    assert costs(impossible).params == min(sizes)
