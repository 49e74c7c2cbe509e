"""Keys and costs stay what they were: stored studies find their networks by key, and reports quote the costs."""

from __future__ import annotations

import random
from dataclasses import astuple
from hashlib import blake2b

import pytest

from space.architecture import Architecture
from space.cost import costs
from space.scaling import compound
from space.spaces import SPACES
from space.zoo import classic, densenet, efficientnet, inception, mobile, resnet

ZOO = {m.__name__.split(".")[-1]: m for m in (classic, densenet, efficientnet, inception, mobile, resnet)}
ZOO_DIGESTS = {
    "classic": "02a6f73398b0",
    "densenet": "a2141398ab78",
    "efficientnet": "72ac36f37195",
    "inception": "d88e396b8394",
    "mobile": "6f9ed2950eec",
    "resnet": "47cda202a6ed",
}
SPACE_DIGESTS = {
    "mixed": "92bac074304c",
    "mbconv": "5a3f96a0178f",
    "bottleneck": "22a87432994e",
    "inception": "f3b96bcefd20",
    "nas-bench-macro": "2ad65c78287c",
    "mnasnet": "984dde162174",
    "nas-bench-201": "a3c0be8593d8",
}


def digest(networks: list[Architecture]) -> str:
    lines = "\n".join(f"{network.key} {astuple(costs(network))}" for network in networks)
    return blake2b(lines.encode(), digest_size=6).hexdigest()


@pytest.mark.parametrize("name", ZOO_DIGESTS)
def test_the_known_networks_keep_their_keys_and_costs(name: str) -> None:
    plain = [network() for network in ZOO[name].NETWORKS]
    assert digest(plain + [compound(network, 0.7) for network in plain]) == ZOO_DIGESTS[name]


@pytest.mark.parametrize("name", SPACE_DIGESTS)
def test_random_networks_keep_their_keys_and_costs(name: str) -> None:
    space, rng = SPACES[name](None, 3, 10), random.Random(name)
    assert digest([space.decode(space.sample(rng)) for _ in range(50)]) == SPACE_DIGESTS[name]
