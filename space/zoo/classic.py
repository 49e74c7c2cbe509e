"""AlexNet, ZFNet and the VGG networks: convolutions, pools and three large linear layers."""

from __future__ import annotations

from functools import partial

from space.architecture import Stage
from space.blocks import Block, Conv, Dense, Drop, GlobalPool, LocalResponseNorm, Pool
from space.zoo.network import Parts, ZooNetwork

_POOL = Pool("max", 3, 2, padding=0)


def _conv(channels: int, kernel: int, stride: int = 1, padding: int | None = None, groups: int = 1) -> Conv:
    return Conv(channels, kernel, stride, groups, norm=False, padding=padding)


def _classifier(*features: int) -> tuple[Block, ...]:
    """The hidden linear layers, each behind dropout, and the logits."""
    hidden = tuple(block for f in features for block in (Drop(0.5), Dense(f, "relu")))
    return (*hidden, Dense())


def _alexnet() -> Parts:
    return Parts(
        (_conv(64, 11, 4, 2), _POOL),
        (
            Stage((_conv(192, 5), _POOL)),
            Stage((_conv(384, 3), _conv(256, 3), _conv(256, 3), _POOL)),
        ),
        (GlobalPool(6), *_classifier(4096, 4096)),
    )


def _alexnet_2012() -> Parts:
    return Parts(
        (_conv(96, 11, 4, 0), LocalResponseNorm(), _POOL),
        (
            Stage((_conv(256, 5, groups=2), LocalResponseNorm(), _POOL)),
            Stage((_conv(384, 3), _conv(384, 3, groups=2), _conv(256, 3, groups=2), _POOL)),
        ),
        _classifier(4096, 4096),
    )


def _zfnet() -> Parts:
    padded = Pool("max", 3, 2, padding=1)
    return Parts(
        (_conv(96, 7, 2, 1), padded, LocalResponseNorm()),
        (
            Stage((_conv(256, 5, 2, 0), padded, LocalResponseNorm())),
            Stage((_conv(512, 3), _conv(1024, 3), _conv(512, 3), _POOL)),
        ),
        _classifier(4096, 4096),
    )


def _vgg(depths: tuple[int, ...], norm: bool) -> Parts:
    def stage(channels: int, depth: int) -> tuple[Block, ...]:
        conv = Conv(channels, 3, norm=norm, bias=True if norm else None)
        return (conv,) * depth + (Pool("max", 2, 2, padding=0),)

    channels = (64, 128, 256, 512, 512)
    stages = tuple(Stage(stage(c, d)) for c, d in zip(channels, depths, strict=True))
    hidden = (Dense(4096, "relu"), Drop(0.5)) * 2
    return Parts((), stages, (GlobalPool(7), *hidden, Dense()))


_VGG_DEPTHS = {"11": (1, 1, 2, 2, 2), "13": (2, 2, 2, 2, 2), "16": (2, 2, 3, 3, 3), "19": (2, 2, 4, 4, 4)}

NETWORKS = (
    ZooNetwork("alexnet", _alexnet, "Krizhevsky 2014, arXiv:1404.5997 (one tower)"),
    ZooNetwork("alexnet_2012", _alexnet_2012, "Krizhevsky et al. 2012 (two towers)", 227),
    ZooNetwork("zfnet", _zfnet, "Zeiler & Fergus 2013, arXiv:1311.2901 (512-1024-512)"),
    *(
        ZooNetwork(
            f"vgg{name}{suffix}", partial(_vgg, depths, norm), "Simonyan & Zisserman 2014, arXiv:1409.1556"
        )
        for name, depths in _VGG_DEPTHS.items()
        for suffix, norm in (("", False), ("_bn", True))
    ),
)
