"""Stock networks: under every budget, using one of them, for the images they are asked for."""

from __future__ import annotations

import pytest

from space import zoo
from space.at_budget import used
from space.cost import costs
from space.errors import UnknownNameError
from space.stock import STOCK, stock_networks

CASES = [
    ({"macs": 5e6}, 64, 3),
    ({"macs": 5e6}, 32, 3),
    ({"macs": 1e6}, 28, 1),
    ({"macs": 1e6}, 64, 3),
    ({"macs": 5e6, "params": 50e3}, 64, 3),
    ({"activation_bytes": 200e3}, 64, 3),
    ({"macs": 3e8}, 224, 3),
]


@pytest.mark.parametrize(("bounds", "resolution", "channels"), CASES)
def test_every_stock_network_keeps_the_budgets_and_uses_one(
    bounds: dict[str, float], resolution: int, channels: int
) -> None:
    found = stock_networks(STOCK, bounds, resolution=resolution, in_channels=channels, classes=7)
    assert [network.name.partition("@")[0] for network in found] == list(STOCK)
    for network in found:
        assert 0.9 < used(bounds, network.architecture) <= 1, network.name
        assert network.architecture.label == network.name
        assert (network.architecture.in_channels, network.architecture.classes) == (channels, 7)
        assert not network.architecture.training_misfit


def test_the_width_alone_is_changed_where_that_does() -> None:
    """Costs of networks scaled in width to 5M MACs at 64 px, as ``nascale scale family`` gives them."""
    found = stock_networks(("resnet18", "mobilenet_v3_small"), {"macs": 5e6}, resolution=64)
    assert [network.name for network in found] == ["resnet18@width=0.15", "mobilenet_v3_small@width=0.95"]
    assert [(costs(n.architecture).macs, costs(n.architecture).params) for n in found] == [
        (4_986_320, 236_754),
        (4_969_808, 1_307_042),
    ]


def test_small_images_are_enlarged_until_the_strides_leave_two_pixels() -> None:
    (small,) = stock_networks(("mobilenet_v2",), {"macs": 5e6}, resolution=32)
    assert small.name == "mobilenet_v2@width=0.52,resolution=48"
    assert small.architecture.resolution == 48
    (large,) = stock_networks(("mobilenet_v2",), {"macs": 5e6}, resolution=64)
    assert large.architecture.resolution == 64


def test_without_budgets_they_are_as_published() -> None:
    (network,) = stock_networks(("resnet18",), {}, resolution=224, classes=1000)
    assert network.architecture == zoo.resnet18()
    assert network.name == "resnet18"


def test_what_cannot_be_made_so_small_is_left_out() -> None:
    assert stock_networks(("vgg16", "mobilenet_v1"), {"params": 1000}, resolution=64) == ()


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"stock: no such name 'resnet81' .nearest: resnet18"):
        stock_networks(("resnet81",), {"macs": 5e6}, resolution=64)
