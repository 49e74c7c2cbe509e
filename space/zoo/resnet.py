"""Residual networks: ResNet, wide and pre-activated, ResNeXt, and with squeeze-and-excitation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from space.architecture import Stage
from space.blocks import Basic, Bottleneck, Conv, Dense, GlobalPool, NormAct, Pool, SqueezeExcite
from space.zoo.network import Parts, ZooNetwork

_BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_BOTTLENECK = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def _resnet(
    layers: int,
    *,
    groups: int = 1,
    group_width: int = 64,
    pre_activation: bool = False,
    squeeze_excite: SqueezeExcite | None = None,
) -> Parts:
    """``group_width`` is the width of one group in the first stage; 64 ungrouped is plain ResNet."""
    depths = _BASIC.get(layers) or _BOTTLENECK[layers]
    stages = []
    for index, depth in enumerate(depths):
        planes = 64 * 2**index
        block: Basic | Bottleneck
        if layers in _BASIC:
            block = Basic(planes, squeeze_excite=squeeze_excite, pre_activation=pre_activation)
        else:
            block = Bottleneck(
                4 * planes,
                planes * group_width // 64 * groups,
                groups=groups,
                squeeze_excite=squeeze_excite,
                pre_activation=pre_activation,
            )
        stages.append(Stage((replace(block, stride=1 if index == 0 else 2), *(block,) * (depth - 1))))
    pool = Pool("max", 3, 2)
    if pre_activation:
        stem = (Conv(64, 7, 2, norm=False, activation=None, bias=False), pool)
        return Parts(stem, tuple(stages), (NormAct(), GlobalPool(), Dense()))
    return Parts((Conv(64, 7, 2), pool), tuple(stages), (GlobalPool(), Dense()))


_SE = SqueezeExcite(1 / 16, of="gated")

NETWORKS = (
    *(
        ZooNetwork(f"resnet{layers}", partial(_resnet, layers), "He et al. 2016a, arXiv:1512.03385")
        for layers in (*_BASIC, *_BOTTLENECK)
    ),
    ZooNetwork(
        "wide_resnet50_2",
        partial(_resnet, 50, group_width=128),
        "Zagoruyko & Komodakis 2016, arXiv:1605.07146",
    ),
    *(
        ZooNetwork(
            f"preact_resnet{layers}",
            partial(_resnet, layers, pre_activation=True),
            "He et al. 2016b, arXiv:1603.05027",
        )
        for layers in (18, 50, 101)
    ),
    *(
        ZooNetwork(
            f"resnext{layers}_{groups}x{width}d",
            partial(_resnet, layers, groups=groups, group_width=width),
            "Xie et al. 2017, arXiv:1611.05431",
        )
        for layers, groups, width in ((50, 32, 4), (101, 32, 4), (101, 32, 8), (101, 64, 4))
    ),
    ZooNetwork("se_resnet50", partial(_resnet, 50, squeeze_excite=_SE), "Hu et al. 2018, arXiv:1709.01507"),
    ZooNetwork(
        "se_resnext50_32x4d",
        partial(_resnet, 50, groups=32, group_width=4, squeeze_excite=_SE),
        "Hu et al. 2018, arXiv:1709.01507",
    ),
)
