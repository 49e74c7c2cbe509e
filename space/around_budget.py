"""A search space around the budget: what is searched is the shape of a network, and its width follows from the budget.

Spaces with fixed channels put most of their networks far over or far under a budget. Here the decisions say how a network
uses what it may cost: which share of it, how deep each stage is, of which blocks, how much wider than the one before. The
width that all of them share is then the largest with which the network costs at most that share, so that almost every
assignment is within the budget, and two that differ in one decision cost about the same (a comparison of shapes at equal
cost, as in Radosavovic et al. 2020, "Designing Network Design Spaces").

Stems, the growth of widths, heads and depths are those of the known networks: ResNet-18, for example, is the assignment with
a pooled stem, four stages of two basic blocks that double their widths, and no convolution in front of the classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

from space.architecture import Architecture, Stage
from space.at_budget import used
from space.block_types import BLOCK_TYPES, StageChoice
from space.blocks import Block, Conv, Dense, Drop, GlobalPool, Pool, round_channels
from space.errors import InputError
from space.search_space import Decision, Option, SearchSpace

NAME = "around-budget"
SHARES = (0.8, 1.0)
"""How much of the budget a network uses where nothing but accuracy counts: networks that use less are worse."""
WIDE_SHARES = (0.4, 0.6, 0.8, 1.0)
"""The same where smaller networks may be the better ones: a cost or the time of training counts, too."""
STEMS: dict[str, int] = {"plain": 1, "strided": 2, "pooled": 4}
"""The stems, with what they divide the size of the image by: a 3×3 convolution without and with stride, and ResNet's."""
GROWTHS = (1.7, 2.0, 2.5)
"""By how much each stage is wider than the one before: about 1.7 in mobile networks, 2 in ResNets, 2.5 in many RegNets."""
WIDTHS = (0.7, 1.0, 1.4)
"""By how much a stage is wider than the growth says."""
HEADS = (0, 2, 4)
"""The channels of a convolution in front of the classifier, in those of the last stage; 0 for none, 4 in mobile networks."""
OPTIONS: dict[str, dict[str, tuple[Option, ...]]] = {
    "mbconv": {"kernel": (3, 5), "expansion": (3, 6), "se": (0.0, 0.25), "skip": (True,)},
    "fused": {"expansion": (2, 4), "se": (0.0,)},
    "basic": {"se": (0.0, 0.25)},
    "bottleneck": {"ratio": (0.25, 0.5), "groups": (1, 4), "se": (0.0, 0.25), "pre_activation": (False,)},
    "inception": {"split": ("even", "narrow", "wide"), "wide_kernel": (3, 5), "reduce": (0.5,)},
    "dense": {"grown": (0.5, 0.75), "bottleneck": (4,)},
}
"""The block types, with the options of their settings."""
DEPTHS = ((1, 2), (1, 2, 3), (1, 2, 3, 4), (0, 1, 2))
"""The depths of each stage. The third is the deepest, as in the best networks of Radosavovic et al. 2020: layers on large maps
cost much, and at equal cost make the network narrower."""
_SMALLEST_MAP = 2
# Widths are tried on a grid of 2^(1/16): a finer one gives the same channels almost everywhere.
_STEPS = 16
_WIDEST = 16 * _STEPS


@dataclass(frozen=True)
class AroundBudget:
    """The space for images of ``in_channels`` × ``resolution`` × ``resolution`` in ``classes`` classes.

    ``bounds`` are the budgets: cost → bound, such as ``{"macs": 5e6}``, of costs that follow from the architecture. The
    decisions do not depend on them.
    """

    bounds: Mapping[str, float]
    resolution: int = 32
    in_channels: int = 3
    classes: int = 10
    dropout: float = 0.1
    activation: str = "relu"

    def search_space(self) -> SearchSpace:
        """The decisions, and the function that builds a network within the bounds from them.

        That raises InputError where there are no bounds. It gives the narrowest network where that is over a bound.
        """
        decisions = [
            Decision("share", SHARES),
            Decision("stem", self._stems()),
            Decision("growth", GROWTHS),
            Decision("head", HEADS),
        ]
        for number, depths in enumerate(DEPTHS, start=1):
            decisions += _stage_decisions(f"stage{number}", depths)
        return SearchSpace(NAME, tuple(decisions), self.build, self._known())

    def _known(self) -> tuple[dict[str, Option], ...]:
        """ResNet-18: a pooled stem, four stages of two basic blocks that double their width, and no convolution behind them."""
        if "pooled" not in self._stems():
            return ()
        decisions: dict[str, Option] = {"share": 1.0, "stem": "pooled", "growth": 2.0, "head": 0}
        for stage in (f"stage{number}" for number in range(1, len(DEPTHS) + 1)):
            decisions |= {f"{stage}.depth": 2, f"{stage}.width": 1.0}
            decisions |= {f"{stage}.block": "basic", f"{stage}.basic.se": 0.0}
        return (decisions,)

    def _stems(self) -> tuple[str, ...]:
        """Small images keep their size in the stem, or halve it; larger ones halve it, or quarter it.

        The first stage works at what the last of these leaves. Behind another stem it begins with a stride: as in RegNets, where
        ResNets pool. Stages on larger maps cost so much that the rest of the network had to be narrow.
        """
        if self.resolution < 24:
            return ("plain",)
        return ("plain", "strided") if self.resolution < 48 else ("strided", "pooled")

    def build(self, decisions: Mapping[str, Option]) -> Architecture:
        """The widest network of these decisions that costs at most the chosen share of each bound."""
        if not self.bounds:
            wanted = "a budget to build around (max_macs, max_flops, max_params or max_memory)"
            raise InputError.of(f"space {NAME}", wanted, None)
        share = float(decisions["share"])
        low, high = 0, _WIDEST
        best = self._at(decisions, low)
        if used(self.bounds, best) > share:
            return best
        while high - low > 1:
            middle = (low + high) // 2
            network = self._at(decisions, middle)
            if used(self.bounds, network) <= share:
                low, best = middle, network
            else:
                high = middle
        return best

    def _at(self, decisions: Mapping[str, Option], step: int) -> Architecture:
        """The network whose first stage has 2^(step / 16) channels, before they are rounded."""
        width = 2 ** (step / _STEPS)
        stem, size = self._stem(str(decisions["stem"]), round_channels(width))
        stages: list[Stage] = []
        channels = width
        for number, _ in enumerate(DEPTHS, start=1):
            if number > 1:
                channels *= float(decisions["growth"])
            depth = int(decisions[f"stage{number}.depth"])
            if not depth:
                continue
            halves = number > 1 or STEMS[str(decisions["stem"])] < STEMS[self._stems()[-1]]
            stride = 2 if halves and size >= 2 * _SMALLEST_MAP - 1 else 1
            size = -(-size // stride)
            stages.append(Stage(self._blocks(decisions, f"stage{number}", channels, stride, depth)))
        factor = int(decisions["head"])
        last = round_channels(channels * factor)
        # Networks that end in a wide convolution drop some of it in training, ResNets nothing.
        head = (Conv(last, 1, activation=self.activation), GlobalPool(), Drop(self.dropout), Dense())
        return Architecture(
            stem=stem,
            stages=tuple(stages),
            head=head if factor else (GlobalPool(), Dense()),
            resolution=self.resolution,
            classes=self.classes,
            in_channels=self.in_channels,
        )

    def _stem(self, name: str, channels: int) -> tuple[tuple[Block, ...], int]:
        """(the stem, the side of the map behind it)."""
        size = self.resolution
        for _ in range(int(log2(STEMS[name]))):
            size = -(-size // 2)
        if name == "pooled":
            return (Conv(channels, 7, 2, activation=self.activation), Pool("max", 3, 2)), size
        return (Conv(channels, 3, STEMS[name], activation=self.activation),), size

    def _blocks(
        self, decisions: Mapping[str, Option], prefix: str, channels: float, stride: int, depth: int
    ) -> tuple[Block, ...]:
        block_type = BLOCK_TYPES[str(decisions[f"{prefix}.block"])]
        return block_type.stage(
            StageChoice(
                channels=round_channels(channels * float(decisions[f"{prefix}.width"])),
                stride=stride,
                depth=depth,
                activation=self.activation,
                settings={
                    setting: decisions.get(f"{prefix}.{block_type.name}.{setting}", options[0])
                    for setting, options in OPTIONS[block_type.name].items()
                },
            )
        )


def _stage_decisions(prefix: str, depths: tuple[int, ...]) -> list[Decision]:
    """The decisions of one stage; a setting with one option is none."""
    depth = Decision(f"{prefix}.depth", depths)
    parent, when = (depth.name, tuple(d for d in depths if d)) if 0 in depths else (None, ())
    block = Decision(f"{prefix}.block", tuple(OPTIONS), parent, when)
    decisions = [depth, Decision(f"{prefix}.width", WIDTHS, parent, when), block]
    for name, settings in OPTIONS.items():
        decisions += [
            Decision(f"{prefix}.{name}.{setting}", options, block.name, (name,))
            for setting, options in settings.items()
            if len(options) > 1
        ]
    return decisions
