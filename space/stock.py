"""Stock networks: networks of the literature, brought under the budgets of a search, as what its results are compared with.

A practitioner's first idea is a known network made narrower. So the width is what brings a network under its budgets
(``space.at_budget``: as wide as they allow, then channel by channel); where its narrowest form is too costly, or its strides
are too many for the images, depth and resolution help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from space.architecture import Architecture
from space.at_budget import WIDTH, used, within_budget
from space.errors import BudgetError, InputError, ShapeError, UnknownNameError
from space.scaling import Coefficients
from space.scaling.realised import multipliers
from space.zoo import ZOO

STOCK = (
    "resnet18",
    "mobilenet_v2",
    "googlenet_bn",
    "efficientnet_b0",
    "mobilenet_v3_small",
    "mnasnet_a1",
    "mobilenet_v1",
    "mobilenetv4_conv_small",
)
"""The networks that a search is compared with unless others are asked for, the best known first."""
_ALL = Coefficients(1.2, 1.2, 1.15)
_SIZES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""The sizes that networks are made for, in sizes of the images."""
_SMALLEST_MAP = 2


@dataclass(frozen=True)
class StockNetwork:
    """A known network under budgets. ``name`` says which and by what it was multiplied, to two digits: ``resnet18@width=0.15``.

    The architecture has that name too: files and cards made of it later say which network it is.
    """

    name: str
    architecture: Architecture

    @classmethod
    def of(cls, name: str, base: Architecture, scaled: Architecture, resolution: int) -> StockNetwork:
        """``scaled``, which was made of ``base``, for images of ``resolution`` pixels."""
        said = label(name, base, scaled, resolution)
        return cls(said, scaled.replace(name=said))


def stock_networks(
    names: Sequence[str],
    bounds: Mapping[str, float],
    *,
    resolution: int,
    in_channels: int = 3,
    classes: int = 10,
) -> tuple[StockNetwork, ...]:
    """The networks of the zoo with these ``names`` for images of ``in_channels`` × ``resolution`` × ``resolution``, in order.

    ``bounds`` (cost → bound) are the budgets, each of which is kept and one of which is used as far as channels allow; without
    any the networks are as published. A network that cannot be brought under them is left out. Raises UnknownNameError for a
    name that is not in the zoo.
    """
    for name in names:
        if name not in ZOO:
            raise UnknownNameError("stock", name, ZOO)
    found = (
        stock_network(name, bounds, resolution=resolution, in_channels=in_channels, classes=classes)
        for name in names
    )
    return tuple(network for network in found if network is not None)


def stock_network(
    name: str, bounds: Mapping[str, float], *, resolution: int, in_channels: int, classes: int
) -> StockNetwork | None:
    """One of ``stock_networks``; None where it cannot be brought under the bounds."""
    bases = _sizes(partial(ZOO[name], in_channels=in_channels, classes=classes), resolution)
    if not bases:
        return None
    if not bounds:
        return StockNetwork.of(name, bases[0], bases[0], resolution)
    # Narrower; then for smaller images, too; then less deep as well.
    for base, coefficients in (*((base, WIDTH) for base in bases), (bases[0], _ALL)):
        try:
            member = within_budget(
                base, 1.0, partial(used, bounds), measure="of the budget", coefficients=coefficients
            )
        except (BudgetError, InputError, ShapeError):
            continue
        return StockNetwork.of(name, base, member.architecture, resolution)
    return None


def _sizes(make: partial[Architecture], resolution: int) -> list[Architecture]:
    """The network for the images, or for enlarged ones until its strides leave two pixels of them; then for smaller ones.

    At 32 px and 5M MACs, MobileNetV2 has single pixels in its last stages, and learned far less than the narrower one for
    enlarged images (0.23 and 0.36 of CIFAR-10's validation images after four epochs of 2,400).
    """
    found: list[Architecture] = []
    for factor in _SIZES:
        try:
            network = make(resolution=round(factor * resolution))
        except ShapeError:
            continue
        if not network.training_misfit:
            found.insert(0, network)
            if factor >= 1 and _last_side(network) >= _SMALLEST_MAP:
                break
    return found


def _last_side(network: Architecture) -> int:
    """The side of the map behind the last stage, in pixels."""
    return [segment.shape[1] for path, _, segment in network.segments() if path.startswith("stages.")][-1]


def label(name: str, base: Architecture, scaled: Architecture, resolution: int) -> str:
    """``resnet18@width=0.15``: the multipliers that differ from 1, and the resolution if it is not that of the images."""
    depth, width, _ = multipliers(base, scaled)
    settings = [
        f"{what}={factor:.2g}"
        for what, factor in (("width", width), ("depth", depth))
        if round(factor, 3) != 1
    ]
    if scaled.resolution != resolution:
        settings.append(f"resolution={scaled.resolution}")
    return f"{name}@{','.join(settings)}" if settings else name
