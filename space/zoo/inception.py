"""GoogLeNet as published in 2014, its batch-normalised form, and Inception-v3."""

from __future__ import annotations

from functools import partial

from space.architecture import Stage
from space.blocks import (
    Auxiliary,
    Block,
    Conv,
    Dense,
    Drop,
    GlobalPool,
    Inception,
    LocalResponseNorm,
    Parallel,
    Pool,
)
from space.operations import Pair
from space.zoo.network import Parts, ZooNetwork

# Table 1 of Szegedy et al. 2014: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
_GOOGLENET = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


def _googlenet(norm: bool) -> Parts:
    """``norm`` gives the form that public implementations ship: batch normalisation, 3×3 in the wide branch."""

    def conv(channels: int, kernel: int, stride: int = 1) -> Conv:
        return Conv(channels, kernel, stride, norm=norm)

    def inception(row: tuple[int, int, int, int, int, int]) -> Inception:
        return Inception(*row, wide_kernel=3 if norm else 5, norm=norm)

    def auxiliary() -> Auxiliary:
        pool: Block = GlobalPool(4) if norm else Pool("avg", 5, 3, padding=0)
        return Auxiliary((pool, conv(128, 1), Dense(1024, "relu"), Drop(0.7), Dense()), weight=0.3)

    pool = Pool("max", 3, 2, padding=0, ceil_mode=True)
    last_pool = Pool("max", 2, 2, padding=0, ceil_mode=True) if norm else pool
    response = () if norm else (LocalResponseNorm(),)
    three, four, five = ([inception(row) for row in rows] for rows in _GOOGLENET)
    return Parts(
        (conv(64, 7, 2), pool, *response, conv(64, 1), conv(192, 3), *response, pool),
        (
            Stage((*three, pool)),
            Stage((four[0], auxiliary(), *four[1:4], auxiliary(), four[4], last_pool)),
            Stage(tuple(five)),
        ),
        (GlobalPool(), Drop(0.2 if norm else 0.4), Dense()),
    )


def _conv(channels: int, kernel: int | Pair = 1, stride: int = 1, padding: int | None = None) -> Conv:
    return Conv(channels, kernel, stride, padding=padding)


_AVG = Pool("avg", 3, 1)
_REDUCE = Pool("max", 3, 2, padding=0)


def _inception_a(pool: int) -> Parallel:
    """Figure 5 of Szegedy et al. 2015, with one 5×5 kept as in the released network."""
    return Parallel(
        (
            (_conv(64),),
            (_conv(48), _conv(64, 5)),
            (_conv(64), _conv(96, 3), _conv(96, 3)),
            (_AVG, _conv(pool)),
        )
    )


def _inception_c(width: int) -> Parallel:
    """Figure 6: 7×7 factorised into 1×7 and 7×1."""
    row, column = (1, 7), (7, 1)
    return Parallel(
        (
            (_conv(192),),
            (_conv(width), _conv(width, row), _conv(192, column)),
            (_conv(width), _conv(width, column), _conv(width, row), _conv(width, column), _conv(192, row)),
            (_AVG, _conv(192)),
        )
    )


def _inception_e() -> Parallel:
    """Figure 7: the last map's 3×3 spread into 1×3 beside 3×1."""
    spread = Parallel(((_conv(384, (1, 3)),), (_conv(384, (3, 1)),)))
    return Parallel(
        ((_conv(320),), (_conv(384), spread), (_conv(448), _conv(384, 3), spread), (_AVG, _conv(192)))
    )


def _inception_v3() -> Parts:
    to_17 = Parallel(
        (
            (_conv(384, 3, 2, 0),),
            (_conv(64), _conv(96, 3), _conv(96, 3, 2, 0)),
            (_REDUCE,),
        )
    )
    to_8 = Parallel(
        (
            (_conv(192), _conv(320, 3, 2, 0)),
            (_conv(192), _conv(192, (1, 7)), _conv(192, (7, 1)), _conv(192, 3, 2, 0)),
            (_REDUCE,),
        )
    )
    auxiliary = Auxiliary(
        (Pool("avg", 5, 3, padding=0), _conv(128), _conv(768, 5, padding=0), GlobalPool(), Dense()),
        weight=0.3,
    )
    return Parts(
        (
            _conv(32, 3, 2, 0),
            _conv(32, 3, padding=0),
            _conv(64, 3),
            _REDUCE,
            _conv(80),
            _conv(192, 3, padding=0),
            _REDUCE,
        ),
        (
            Stage((_inception_a(32), _inception_a(64), _inception_a(64))),
            Stage((to_17, _inception_c(128), *(_inception_c(160),) * 2, _inception_c(192), auxiliary)),
            Stage((to_8, *(_inception_e(),) * 2)),
        ),
        (GlobalPool(), Drop(0.5), Dense()),
    )


NETWORKS = (
    ZooNetwork("googlenet", partial(_googlenet, norm=False), "Szegedy et al. 2014, arXiv:1409.4842"),
    ZooNetwork(
        "googlenet_bn", partial(_googlenet, norm=True), "Szegedy et al. 2014, as public code ships it"
    ),
    ZooNetwork("inception_v3", _inception_v3, "Szegedy et al. 2015, arXiv:1512.00567", 299),
)
