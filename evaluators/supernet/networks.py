"""The networks that take part in a supernet's training: random ones of the space, within the limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from evaluators.network import residual_norms
from evaluators.supernet.sliced import Size, Weighted, place_of, size_of
from space.architecture import Architecture
from space.cost import costs
from space.lowering import lower
from space.search_space import SearchSpace

_DRAWS = 100
_IDENTIFYING = 8
_SAMPLED_FOR_SIZES = 500


@dataclass(frozen=True)
class RandomNetworks:
    """Random networks of ``space`` within ``limits`` (cost → bound, as ``{"macs": 5e6}``).

    ``fitted`` turns a network of the space into the one that is trained, at the trainer's width and resolution.
    """

    space: SearchSpace
    limits: Mapping[str, float]
    fitted: Callable[[Architecture], Architecture]

    def draw(self, rng: random.Random) -> Architecture:
        """A random network within the limits, fitted; if none of 100 is, the one that exceeds them least."""
        nearest, least = None, float("inf")
        for _ in range(_DRAWS):
            architecture = self.space.decode(self.space.sample(rng))
            excess = self._excess(architecture)
            if excess <= 1:
                return self.fitted(architecture)
            if excess < least:
                nearest, least = architecture, excess
        assert nearest is not None
        return self.fitted(nearest)

    def _excess(self, architecture: Architecture) -> float:
        """The largest quotient of a cost and its bound; 0 without limits."""
        if not self.limits:
            return 0.0
        known = costs(architecture).searched()
        return max(known[cost] / bound for cost, bound in self.limits.items())

    def largest_sizes(self, zero_last_norm: bool) -> dict[str, Size]:
        """The largest sizes by place among 500 random networks."""
        rng = random.Random(0)
        sizes: dict[str, Size] = {}
        for _ in range(_SAMPLED_FOR_SIZES):
            graph = lower(self.draw(rng))
            zeros = set(residual_norms(graph)) if zero_last_norm else set()
            for node in graph.nodes:
                if isinstance(node.op, Weighted):
                    place = place_of(node.path, node.op, node.path in zeros)
                    size = size_of(node.op)
                    known = sizes.get(place, size)
                    sizes[place] = tuple(max(pair) for pair in zip(size, known, strict=True))
        return sizes

    def some(self) -> list[Architecture]:
        """Eight networks of the space, always the same ones; neither limited nor fitted."""
        rng = random.Random(0)
        return [self.space.decode(self.space.sample(rng)) for _ in range(_IDENTIFYING)]

    def identity(self) -> str:
        """A digest of the space: its name, its decisions and the keys of some of its networks."""
        about = (self.space.name, self.space.decisions, [network.key for network in self.some()])
        return blake2b(repr(about).encode(), digest_size=10).hexdigest()
