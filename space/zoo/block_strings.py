"""MobileNetV4 and the EdgeTPU networks, from the block strings that describe them (``space.notation``)."""

from __future__ import annotations

from functools import partial

from space.architecture import Architecture
from space.notation import read
from space.rounding import RELEASED, Rounding
from space.scaling import scale
from space.zoo.network import Parts, ZooNetwork

# Qin et al. 2024, tables 11 to 13: MobileNetV4 of convolutions alone.
_V4_SMALL = (
    "cn_r1_k3_s2_c32+cn_r1_k1_s1_c32",
    "cn_r1_k3_s2_c96+cn_r1_k1_s1_c64",
    "uir_r1_a5_k5_s2_e3_c96+uir_r4_a0_k3_s1_e2_c96+uir_r1_a3_k0_s1_e4_c96",
    "uir_r1_a3_k3_s2_e6_c128+uir_r1_a5_k5_s1_e4_c128+uir_r1_a0_k5_s1_e4_c128+uir_r1_a0_k5_s1_e3_c128"
    "+uir_r2_a0_k3_s1_e4_c128",
    "cn_r1_k1_s1_c960",
)
_V4_MEDIUM = (
    "er_r1_k3_s2_e4_c48",
    "uir_r1_a3_k5_s2_e4_c80+uir_r1_a3_k3_s1_e2_c80",
    "uir_r1_a3_k5_s2_e6_c160+uir_r2_a3_k3_s1_e4_c160+uir_r1_a3_k5_s1_e4_c160+uir_r1_a3_k3_s1_e4_c160"
    "+uir_r1_a3_k0_s1_e4_c160+uir_r1_a0_k0_s1_e2_c160+uir_r1_a3_k0_s1_e4_c160",
    "uir_r1_a5_k5_s2_e6_c256+uir_r1_a5_k5_s1_e4_c256+uir_r2_a3_k5_s1_e4_c256+uir_r1_a0_k0_s1_e4_c256"
    "+uir_r1_a3_k0_s1_e4_c256+uir_r1_a3_k5_s1_e2_c256+uir_r1_a5_k5_s1_e4_c256+uir_r2_a0_k0_s1_e4_c256"
    "+uir_r1_a5_k0_s1_e2_c256",
    "cn_r1_k1_s1_c960",
)
_V4_LARGE = (
    "er_r1_k3_s2_e4_c48",
    "uir_r1_a3_k5_s2_e4_c96+uir_r1_a3_k3_s1_e4_c96",
    "uir_r1_a3_k5_s2_e4_c192+uir_r3_a3_k3_s1_e4_c192+uir_r1_a3_k5_s1_e4_c192+uir_r5_a5_k3_s1_e4_c192"
    "+uir_r1_a3_k0_s1_e4_c192",
    "uir_r4_a5_k5_s2_e4_c512+uir_r1_a5_k0_s1_e4_c512+uir_r1_a5_k3_s1_e4_c512+uir_r2_a5_k0_s1_e4_c512"
    "+uir_r1_a5_k3_s1_e4_c512+uir_r1_a5_k5_s1_e4_c512+uir_r3_a5_k0_s1_e4_c512",
    "cn_r1_k1_s1_c960",
)
_V4_HEAD = "head=0,pooled=1280,act=relu"

# Gupta & Akin 2020; the first block expands 24 channels, although the stem gives 32.
_EDGE_SMALL = (
    "er_r1_k3_s1_e4_c24_fc24_noskip",
    "er_r2_k3_s2_e8_c32",
    "er_r4_k3_s2_e8_c48",
    "ir_r5_k5_s2_e8_c96",
    "ir_r4_k5_s1_e8_c144",
    "ir_r2_k5_s2_e8_c192",
)
# Xiong et al. 2020, "MobileDets", and the released code of MobileNetEdgeTPU.
_MOBILE_EDGE = (
    "cn_r1_k1_s1_c16",
    "er_r1_k3_s2_e8_c32+er_r3_k3_s1_e4_c32",
    "er_r1_k3_s2_e8_c48+er_r3_k3_s1_e4_c48",
    "ir_r1_k3_s2_e8_c96+ir_r3_k3_s1_e4_c96",
    "ir_r1_k3_s1_e8_c96_noskip+ir_r3_k3_s1_e4_c96",
    "ir_r1_k5_s2_e8_c160+ir_r3_k5_s1_e4_c160",
    "ir_r1_k3_s1_e8_c192",
)

# MobileNetV4's head keeps its width, and its stem never gets narrower than published.
_WIDE = Rounding("wide MobileNetV4", head="fixed")
_NARROW = Rounding("narrow MobileNetV4", stem="fixed", head="fixed")


def _described(stages: tuple[str, ...], settings: str) -> Architecture:
    return read(f"{','.join(stages)}@{settings}")


def _parts(architecture: Architecture) -> Parts:
    return Parts(architecture.stem, architecture.stages, architecture.head)


def _v4(stages: tuple[str, ...], stem: int, width: float = 1.0) -> Parts:
    base = _described(stages, f"stem={stem},{_V4_HEAD}")
    return _parts(scale(base, width=width, rounding=_NARROW if width < 1 else _WIDE))


def _edge(width: float, depth: float) -> Parts:
    """EfficientNet-EdgeTPU, grown from its smallest with the released rounding."""
    base = _described(_EDGE_SMALL, "act=relu")
    return _parts(scale(base, depth=depth, width=width, rounding=RELEASED))


def _mobile_edge() -> Parts:
    return _parts(_described(_MOBILE_EDGE, "act=relu"))


def _mobile_edge_v2(channels: tuple[int, ...], stem: int, kernel: int, group_size: int, head: int) -> Parts:
    """MobileNetEdgeTPU-v2: fused blocks, some in groups of ``group_size`` channels, then inverted bottlenecks."""
    a, b, c, d, e, f, last = channels
    stages = (
        f"cn_r1_k1_s1_c{a}",
        f"er_r1_k3_s2_e8_c{b}+er_r1_k3_s1_e4_c{b}_gs{group_size}",
        f"er_r1_k3_s2_e8_c{c}+er_r1_k3_s1_e4_c{c}_gs{group_size}+er_r1_k3_s1_e4_c{c}"
        f"+er_r1_k3_s1_e4_c{c}_gs{group_size}",
        f"er_r1_k3_s2_e8_c{d}+ir_r3_k3_s1_e4_c{d}",
        f"ir_r1_k3_s1_e8_c{e}+ir_r3_k3_s1_e4_c{e}",
        f"ir_r1_k3_s2_e8_c{f}+ir_r3_k3_s1_e4_c{f}",
        f"ir_r1_k3_s1_e8_c{last}",
    )
    return _parts(_described(stages, f"stem={stem},stem_kernel={kernel},head={head},act=relu"))


_V4_SOURCE = "Qin et al. 2024, arXiv:2404.10518"
_EDGE_SOURCE = "Gupta & Akin 2020, the released EfficientNet-EdgeTPU code"
_MOBILE_EDGE_SOURCE = "the released MobileNetEdgeTPU code"
_V2_SOURCE = "Akin et al. 2022, arXiv:2204.14007"

NETWORKS = (
    ZooNetwork("mobilenetv4_conv_small", partial(_v4, _V4_SMALL, 32), _V4_SOURCE, 224),
    ZooNetwork("mobilenetv4_conv_medium", partial(_v4, _V4_MEDIUM, 32), _V4_SOURCE, 256),
    ZooNetwork("mobilenetv4_conv_large", partial(_v4, _V4_LARGE, 24), _V4_SOURCE, 384),
    ZooNetwork("efficientnet_es", partial(_edge, 1.0, 1.0), _EDGE_SOURCE, 224),
    ZooNetwork("efficientnet_em", partial(_edge, 1.0, 1.1), _EDGE_SOURCE, 240),
    ZooNetwork("efficientnet_el", partial(_edge, 1.2, 1.4), _EDGE_SOURCE, 300),
    ZooNetwork("mobilenet_edgetpu_100", _mobile_edge, _MOBILE_EDGE_SOURCE),
    ZooNetwork(
        "mobilenet_edgetpu_v2_xs",
        partial(_mobile_edge_v2, (16, 32, 48, 96, 144, 160, 192), 32, 3, 64, 1280),
        _V2_SOURCE,
    ),
    ZooNetwork(
        "mobilenet_edgetpu_v2_s",
        partial(_mobile_edge_v2, (24, 48, 64, 128, 160, 192, 256), 64, 5, 64, 1280),
        _V2_SOURCE,
    ),
    ZooNetwork(
        "mobilenet_edgetpu_v2_m",
        partial(_mobile_edge_v2, (32, 64, 80, 160, 192, 240, 320), 64, 5, 64, 1344),
        _V2_SOURCE,
    ),
    ZooNetwork(
        "mobilenet_edgetpu_v2_l",
        partial(_mobile_edge_v2, (32, 64, 96, 192, 240, 256, 384), 64, 7, 128, 1408),
        _V2_SOURCE,
    ),
)
