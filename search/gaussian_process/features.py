"""Assignments as bits, in groups: between two rows, a group's distance is 0 where they agree and at most 1.

Each decision has a group of one-hot bits: different options are 1 apart, and ½ where one of the rows has the decision
inactive. A decision whose options are three or more numbers in order has a second group of thermometer bits: options
are as far apart as their positions. Both are L1 distances of bits, so exp(−distance) is a kernel, for conditional
decisions too.
"""

from __future__ import annotations

import numpy as np

from search.encoding import Encoding, Floats, Ints
from space.search_space import Decision


class Features:
    """The bits of a space.

    ``group`` and ``share`` have one entry for each bit: its group, and how much it adds to its group's distance.
    ``span`` is the mean distance of two random options, by group.
    """

    def __init__(self, encoding: Encoding) -> None:
        sizes = encoding.sizes
        ordered = [i for i, d in enumerate(encoding.decisions) if _ordered(d)]
        self.groups = len(sizes) + len(ordered)
        self.group: Ints = np.concatenate(
            [
                np.repeat(np.arange(len(sizes)), sizes),
                *(np.full(sizes[d] - 1, len(sizes) + i) for i, d in enumerate(ordered)),
            ]
        )
        self.share: Floats = np.concatenate(
            [np.full(encoding.options, 0.5), *(np.full(sizes[d] - 1, 1 / (sizes[d] - 1)) for d in ordered)]
        )
        self.span: Floats = np.concatenate([1 - 1 / sizes, (sizes[ordered] + 1) / (3 * sizes[ordered])])
        self._one_hot = np.repeat(np.arange(len(sizes)), sizes)
        self._option = np.concatenate([np.arange(size) for size in sizes])
        self._steps = np.concatenate([np.full(0, 0), *(np.full(sizes[d] - 1, d) for d in ordered)])
        self._step = np.concatenate([np.full(0, 0), *(np.arange(1, sizes[d]) for d in ordered)])

    def bits(self, rows: Ints) -> Floats:
        """0 or 1; shape (rows, bits)."""
        hot = rows[:, self._one_hot] == self._option
        return np.concatenate([hot, rows[:, self._steps] >= self._step], axis=1).astype(float)


def _ordered(decision: Decision) -> bool:
    numbers = [o for o in decision.options if isinstance(o, (int, float)) and not isinstance(o, bool)]
    return len(numbers) == len(decision.options) >= 3 and numbers == sorted(numbers)
