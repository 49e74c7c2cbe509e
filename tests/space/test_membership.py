"""From a network back to decisions of a space: what is found is the network, and networks of the spaces are found."""

from __future__ import annotations

import random

import pytest

from space.codec import from_dict, to_dict
from space.membership import decisions_of
from space.search_space import Decision, SearchSpace
from space.spaces import space
from space.zoo import architecture


@pytest.mark.parametrize("name", ["mixed", "inception", "nas-bench-macro", "mnasnet", "nas-bench-201"])
def test_a_network_of_the_space_is_found_from_its_document(name: str) -> None:
    searched = space(name, resolution=32)
    network = searched.decode(searched.sample(random.Random(7)))
    found = decisions_of(searched, from_dict(to_dict(network)))
    assert found is not None
    assert searched.decode(found).key == network.key


def test_any_other_network_has_no_decisions() -> None:
    mixed = space("mixed", resolution=32)
    network = mixed.decode(mixed.sample(random.Random(7)))
    assert decisions_of(mixed, architecture("resnet18@resolution=32,classes=10")) is None
    assert decisions_of(mixed, network.replace(resolution=64)) is None
    assert decisions_of(mixed, network.replace(classes=11)) is None
    assert decisions_of(SearchSpace("bare", (Decision("a", (1, 2)),)), network) is None


def test_known_networks_of_the_space_are_members() -> None:
    around = space("around-budget", resolution=64, bounds={"macs": 3.4e6})
    for decisions in around.known:
        assert decisions_of(around, around.decode(decisions)) == decisions
