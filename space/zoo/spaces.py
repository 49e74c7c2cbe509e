"""The search spaces of two published tables, with decisions named as the tables' columns.

``nas-bench-macro``: eight layers, each an identity or one of two MBConvs (Su et al. 2021).
``mnasnet``: the seven stages of MnasNet and EfficientNet-B0, each with its expansion, kernel, depth and
squeeze-and-excitation (Ahmad et al. 2024, "Accel-NASBench").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial

from space.architecture import Architecture, Stage
from space.blocks import Block, Conv, Dense, GlobalPool, MBConv, SqueezeExcite
from space.search_space import Decision, Option, SearchSpace

# NAS-Bench-Macro: searched layers and channels of each stage. Operation 0 is the identity, 1 is MBConv with
# expansion 3 and kernel 3, 2 is MBConv with expansion 6 and kernel 5.
_MACRO_STAGES = ((2, 64), (3, 128), (3, 256))
_MACRO_OPERATIONS = (0, 1, 2)
_MACRO_MBCONV = {1: (3, 3), 2: (5, 6)}

# Accel-NASBench: channels and stride of each stage; depths are 1 to 3, and 1 to 4 in stage 5.
_MNASNET_STAGES = ((16, 1), (24, 2), (40, 2), (80, 2), (112, 1), (192, 2), (320, 1))
_MNASNET_DEEP_STAGE = 5


def nas_bench_macro(resolution: int | None, in_channels: int, classes: int) -> SearchSpace:
    """Decisions ``op0`` … ``op7``, each 0, 1 or 2; 32 pixels by default."""
    decisions = tuple(Decision(f"op{i}", _MACRO_OPERATIONS) for i in range(8))
    build = partial(_build_macro, resolution=resolution or 32, in_channels=in_channels, classes=classes)
    return SearchSpace("nas-bench-macro", decisions, build)


def _build_macro(
    decisions: Mapping[str, Option], *, resolution: int, in_channels: int, classes: int
) -> Architecture:
    operations = iter(decisions[f"op{i}"] for i in range(8))
    stages = []
    for depth, channels in _MACRO_STAGES:
        chosen = [next(operations) for _ in range(depth)]
        # The first layer halves the map, so its identity is a strided projection; later ones vanish.
        blocks = [_macro_first(int(chosen[0]), channels)]
        blocks += [_macro_mbconv(int(operation), channels, 1) for operation in chosen[1:] if operation]
        stages.append(Stage(tuple(blocks)))
    return Architecture(
        stem=(Conv(32, 3),),
        stages=tuple(stages),
        head=(Conv(1280, 1), GlobalPool(), Dense()),
        resolution=resolution,
        classes=classes,
        in_channels=in_channels,
    )


def _macro_first(operation: int, channels: int) -> Block:
    if operation == 0:
        return Conv(channels, 1, 2, activation=None)
    return _macro_mbconv(operation, channels, 2)


@lru_cache(maxsize=64)
def _macro_mbconv(operation: int, channels: int, stride: int) -> MBConv:
    kernel, expansion = _MACRO_MBCONV[operation]
    return MBConv(channels, kernel, expansion, stride, activation="relu")


def mnasnet(resolution: int | None, in_channels: int, classes: int) -> SearchSpace:
    """Decisions ``block0_e``, ``block0_k``, ``block0_l``, ``block0_se`` and so on; 224 pixels by default."""
    decisions = []
    for i in range(len(_MNASNET_STAGES)):
        depths = (1, 2, 3, 4) if i == _MNASNET_DEEP_STAGE else (1, 2, 3)
        decisions += [
            Decision(f"block{i}_e", (1, 4, 6)),
            Decision(f"block{i}_k", (3, 5)),
            Decision(f"block{i}_l", depths),
            Decision(f"block{i}_se", (False, True)),
        ]
    build = partial(_build_mnasnet, resolution=resolution or 224, in_channels=in_channels, classes=classes)
    return SearchSpace("mnasnet", tuple(decisions), build)


def _build_mnasnet(
    decisions: Mapping[str, Option], *, resolution: int, in_channels: int, classes: int
) -> Architecture:
    stages = []
    for i, (channels, stride) in enumerate(_MNASNET_STAGES):
        expansion, kernel, depth, se = (decisions[f"block{i}_{name}"] for name in ("e", "k", "l", "se"))
        stages.append(_mnasnet_stage(channels, int(kernel), int(expansion), stride, bool(se), int(depth)))
    return Architecture(
        stem=(Conv(32, 3, 2),),
        stages=tuple(stages),
        head=(Conv(1280, 1), GlobalPool(), Dense()),
        resolution=resolution,
        classes=classes,
        in_channels=in_channels,
    )


@lru_cache(maxsize=1024)
def _mnasnet_stage(channels: int, kernel: int, expansion: int, stride: int, se: bool, depth: int) -> Stage:
    gate = SqueezeExcite(0.25) if se else None
    block = MBConv(channels, kernel, expansion, squeeze_excite=gate, activation="relu")
    return Stage((replace(block, stride=stride), *(block,) * (depth - 1)))
