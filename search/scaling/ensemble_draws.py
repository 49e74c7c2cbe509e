"""Draws from a posterior by an ensemble of walkers, for parameters that no normal approximation describes.

Differential evolution Markov chains (ter Braak 2006, Statistics and Computing 16, 239, eq. 2): each walker of one half moves by a multiple of the
difference of two walkers of the other half. So steps follow the posterior's own shape however the parameters are scaled or
correlated, and all walkers of a half move at once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

from search.scaling.laws import Array

_LEAP_EVERY = 10
"""Every tenth step is a whole difference, which leads from one mode to another (ter Braak 2006, §2.3)."""


def ensemble_draws(
    log_density: Callable[[Array], Array], start: Array, steps: int, kept: int, rng: np.random.Generator
) -> Array:
    """Draws, shape (kept · walkers, parameters): the ensemble at ``kept`` moments of the second half of ``steps``.

    ``log_density`` maps parameter vectors (m, parameters) to (m,), up to a constant; ``start`` holds the walkers, an even number, at least
    four times as many as parameters, and not all in one hyperplane.
    """
    walkers = start.copy()
    count, dimensions = walkers.shape
    halves = (np.arange(count // 2), np.arange(count // 2, count))
    density = log_density(walkers)
    moments = set(np.linspace(steps // 2, steps - 1, kept).astype(int).tolist())
    drawn = []
    for step in range(steps):
        length = 1.0 if step % _LEAP_EVERY == 0 else 2.38 / sqrt(2 * dimensions)
        for mine, others in (halves, halves[::-1]):
            first = rng.permutation(others)
            second = np.roll(first, 1 + int(rng.integers(len(others) - 1)))
            jitter = 1 + 0.1 * rng.standard_normal((len(mine), 1))
            proposed = walkers[mine] + length * jitter * (walkers[first] - walkers[second])
            there = log_density(proposed)
            accepted = np.log(rng.random(len(mine))) < there - density[mine]
            walkers[mine[accepted]] = proposed[accepted]
            density[mine[accepted]] = there[accepted]
        if step in moments:
            drawn.append(walkers.copy())
    return np.concatenate(drawn)
