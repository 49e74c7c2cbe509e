"""Scaling a network by depth, width and resolution (Tan & Le 2019), as arithmetic on values.

Scaling has two steps. ``plan`` turns three multipliers into whole numbers for one network: repeats per
stage, a width factor per part (stem, each stage, head), pixels. ``build`` makes the network of a plan.
``scale`` does both; ``compound`` takes the multipliers from φ. Between the two steps a plan may be
changed by hand, one layer or one channel step at a time: that is how a family uses up its budgets
(``space.family``).

It works on any network made of ``space.blocks``: each block declares the fields that width scales and whether
depth counts it.
"""

from __future__ import annotations

from space.scaling.coefficients import PAPER, Coefficients
from space.scaling.depth import layers
from space.scaling.multipliers import compound, compound_plan, scale, smallest_resolution
from space.scaling.plans import Builder, Plan, beyond_limits, build, deeper, plan, wider

__all__ = [
    "PAPER",
    "Builder",
    "Coefficients",
    "Plan",
    "beyond_limits",
    "build",
    "compound",
    "compound_plan",
    "deeper",
    "layers",
    "plan",
    "scale",
    "smallest_resolution",
    "wider",
]
