"""Made-up losses of scaled networks, by a law whose best division is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.scaling.loss_points import LossPoints

POWERS = np.array([1.0, 2.0, 2.0])


def star_multipliers(centre: float = 4.0, down: float = 4.0, steps: int = 5) -> np.ndarray:
    """The base, a centre, and arms of exact geometric steps below it, shape (3 · steps + 2, 3)."""
    middle = centre ** (1 / (3 * POWERS))
    rows = [np.ones(3), middle]
    for j in range(3):
        for step in range(1, steps + 1):
            row = middle.copy()
            row[j] *= down ** (-step / (steps * POWERS[j]))
            rows.append(row)
    return np.array(rows)


def made_up(
    multipliers: np.ndarray,
    *,
    epochs: Sequence[float] = (4.0,),
    seeds: Sequence[int] = (0,),
    slow_depth: float = 0.0,
    noise: float = 0.0,
    luck: float = 0.0,
    generator: int = 0,
) -> LossPoints:
    """Losses 0.8 + 0.2·d^−1 + 0.2·w^−2 + 0.2·r^−2 + slow_depth·d·(epochs/4)^−1: without the last term all shares are a third."""
    rng = np.random.default_rng(generator)
    rows, losses, used = [], [], []
    for seed in seeds:
        common = rng.normal(0, luck) if luck else 0.0
        for d, w, r in multipliers:
            for length in epochs:
                loss = 0.8 + 0.2 * d**-1 + 0.2 * w**-2 + 0.2 * r**-2 + slow_depth * d * 4 / length
                rows.append((d, w, r, 1e6 * d * w**2 * r**2, length))
                losses.append(loss + common + (rng.normal(0, noise) if noise else 0.0))
                used.append(seed)
    table = np.array(rows)
    return LossPoints(table[:, :3], table[:, 3], table[:, 4], np.array(losses), np.array(used))


def rows_of(points: LossPoints) -> list[dict[str, float]]:
    """The points as rows of a table."""
    columns = ("depth", "width", "resolution", "macs", "epochs", "loss", "seed")
    table = np.column_stack(
        [points.multipliers, points.macs, points.epochs, points.loss, points.seed.astype(float)]
    )
    return [dict(zip(columns, (float(v) for v in row), strict=True)) for row in table]
