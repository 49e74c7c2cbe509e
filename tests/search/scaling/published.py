"""Published accuracies of scaled networks, as points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.scaling.points import Points

# Tan & Le 2019 (v5): table 7, then B1–B7 of table 2/8; depth, width, resolution over 224, top-1 in percent.
EFFICIENTNET = [
    *((1, 1, 1, 77.3), (4, 1, 1, 79.0), (1, 2, 1, 78.9), (1, 1, 2, 79.1), (1.4, 1.2, 291 / 224, 81.1)),
    *((1.1, 1.0, 240 / 224, 79.13), (1.2, 1.1, 260 / 224, 80.07), (1.4, 1.2, 300 / 224, 81.59)),
    *((1.8, 1.4, 380 / 224, 82.89), (2.2, 1.6, 456 / 224, 83.6), (2.6, 1.8, 528 / 224, 83.95)),
    (3.1, 2.0, 600 / 224, 84.26),
]
# TF-slim's MobileNetV1 checkpoints: rows are widths 1, 0.75, 0.5, 0.25, columns 224, 192, 160, 128 px.
MOBILENET_V1 = np.array(
    [[70.9, 70.0, 68.0, 65.2], [68.4, 67.2, 65.3, 62.1], [63.3, 61.7, 59.1, 56.3], [49.8, 47.7, 45.5, 41.5]]
)


def points(rows: Sequence[tuple[float, ...]]) -> Points:
    table = np.array(rows, dtype=float)
    return Points(table[:, :3], table[:, 3] / 100)


def mobilenet_v1() -> Points:
    rows = [
        (1.0, width, size / 224, float(MOBILENET_V1[i, j]))
        for i, width in enumerate((1.0, 0.75, 0.5, 0.25))
        for j, size in enumerate((224, 192, 160, 128))
    ]
    return points(rows)
