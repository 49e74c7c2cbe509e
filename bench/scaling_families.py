"""Whether several families predict another better than one does: leave-one-family-out on published accuracies.

    python -m bench.scaling_families ../shared/data/tables/published-scaling.csv

The file's tables of one architecture are one family; each table and recipe is a series with a level of its own. Of the family that is left
out only the base of each series is known. The single-family law is the same model fitted to one other family.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from search.scaling.families import FamilyPoints, fit_families
from search.scaling.left_out_family import left_out

ARCHITECTURES = ("mobilenet_v1", "mobilenet_v2", "resnet50", "efficientnet")
_PIXELS = 224.0


def published(path: Path) -> FamilyPoints:
    """The networks of the file that state all three multipliers and an accuracy."""
    rows, errors, families, series = [], [], [], []
    with open(path, newline="") as lines:
        for row in csv.DictReader(lines):
            if not all(row[name] for name in ("depth_mult", "width_mult", "resolution", "top1")):
                continue
            rows.append(
                (float(row["depth_mult"]), float(row["width_mult"]), float(row["resolution"]) / _PIXELS)
            )
            errors.append(1 - float(row["top1"]) / 100)
            families.append(next(name for name in ARCHITECTURES if row["family"].startswith(name)))
            series.append((row["source"], row["family"], row["recipe"]))
    return FamilyPoints(np.array(rows), np.array(errors), families, series)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    points = published(parser.parse_args().table)
    print("| left out | networks | pooled | by one family alone | mean of those |")
    print("|---|---|---|---|---|")
    pooled, single = [], []
    for family in points.families:
        found = left_out(points, family)
        each = ", ".join(f"{name} {value:.2f}" for name, value in found.single.items())
        mean = float(np.mean(list(found.single.values())))
        print(f"| {family} | {found.points} | {found.pooled:.2f} | {each} | {mean:.2f} |")
        pooled.append(found.pooled)
        single.append(mean)
    print(
        f"\nmean over families: pooled {np.mean(pooled):.2f}, one family alone {np.mean(single):.2f} points\n"
    )
    fit = fit_families(points)
    print("| family | elasticity of depth | width | resolution | α, β, γ |")
    print("|---|---|---|---|---|")
    for name, one in [*fit.own.items(), ("one more", fit.pooled)]:
        deviations = np.sqrt(np.diag(one.covariance))
        cells = [f"{m:.3f} ± {d:.3f}" for m, d in zip(one.mean, deviations, strict=True)]
        best = ", ".join(f"{value:.2f}" for value in fit.coefficients(one.mean))
        print(f"| {name} | {' | '.join(cells)} | {best} |")
    print(
        f"\ncurvatures {fit.curvature.round(3)}, between families {fit.between.round(3)}, noise {fit.noise:.4f}"
    )


if __name__ == "__main__":
    main()
