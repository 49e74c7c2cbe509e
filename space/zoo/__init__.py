"""The known networks, each once, as values built from the blocks.

``architecture("mobilenet_v2@width=1.4")`` takes text; ``zoo.mobilenet_v2(width=1.4)`` is the same in
Python. Every network takes ``width``, ``depth``, ``resolution``, ``classes``, ``in_channels`` and
``drop_path``.
"""

from __future__ import annotations

from space.architecture import Architecture
from space.errors import InputError, UnknownNameError
from space.zoo import block_strings, classic, convnext, densenet, efficientnet, inception, mobile, resnet
from space.zoo.network import ZooNetwork

ZOO: dict[str, ZooNetwork] = {
    network.name: network
    for module in (classic, inception, resnet, densenet, mobile, efficientnet, convnext, block_strings)
    for network in module.NETWORKS
}


def architecture(text: str) -> Architecture:
    """The network that ``text`` names: ``"resnet50"`` or ``"mobilenet_v2@width=1.4,resolution=192"``.

    Raises UnknownNameError with the nearest names, InputError for a setting that cannot be used and
    ShapeError for a resolution that is too small.
    """
    name, at, settings = text.strip().partition("@")
    if name not in ZOO:
        raise UnknownNameError("architecture", name, ZOO)
    if at and not settings.strip():
        raise InputError.of(f"{name}@", "settings such as width=1.4,resolution=192", text)
    return ZOO[name].with_settings(settings) if at else ZOO[name]()


def __getattr__(name: str) -> ZooNetwork:
    try:
        return ZOO[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
