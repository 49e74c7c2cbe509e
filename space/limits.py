"""The largest networks that are computed with: far beyond any that is built, and small enough to be answered at once.

Without them a slip such as φ = 200 asks for a network of 10¹⁶ layers.
"""

from __future__ import annotations

MOST_BLOCKS = 20_000
"""Blocks of a network."""

MOST_LAYERS = 10_000
"""Layers of a scaled network."""

LARGEST_RESOLUTION = 1_000_000
"""Side of an image in pixels."""

LARGEST_NUMBER = 1_000_000_000
"""Channels, classes, strides, images of a batch: any whole number of a block or a network."""

MOST_WORKERS = 10_000
"""Workers of a search, and processors or GPUs of one."""

LARGEST_SEED = 2**63 - 1
"""Seed of anything random: what a database and every generator hold."""

LARGEST_FACTOR = 1_000
"""Multipliers of depth and width, and the expansion of a block."""

MOST_STAGES = 100
"""Stages of a written search space."""

MOST_OPTIONS = 10_000
"""Options of one decision of a search space."""
