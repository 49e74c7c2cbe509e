"""How often the 90 % intervals of a loss law hold the truth, in made-up worlds whose α, β, γ are known.

    python -m bench.scaling_worlds --worlds 200

A world is a loss law with random parameters, drawn from plain ranges that are not the fit's priors. Its networks are the real ones of
``examples/small_mbconv.json``: what rounding makes of the star and of the grid, with exact MACs. Each training has the luck of its seed (shared by
all networks), its own, and at several lengths that of each cool-down besides. The designs have the MACs of training in common: as
many networks and seeds as fit into ``--budget`` trainings of the network itself.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.scaling.candidates import ScalingCandidate, grid_candidates
from search.scaling.coefficient_grid import paper_grid
from search.scaling.laws import Array
from search.scaling.loss_fit import LossFit, fit_loss
from search.scaling.loss_law import LossLaw
from search.scaling.loss_points import CostModel, LossPoints
from search.scaling.star import star_candidates
from search.scaling.variance_components import Noise
from space.codec import from_json

MEASURED = Noise(point=0.02, training=0.02, seed=0.02)
"""Nats."""
GREEK = "αβγ"
EPOCHS = 4.0


@dataclass(frozen=True)
class Design:
    """What is trained: networks with seeds, each at some lengths in epochs."""

    trainings: tuple[tuple[ScalingCandidate, int], ...]
    lengths: tuple[float, ...] = (EPOCHS,)

    def points(self, loss: Array | None = None) -> LossPoints:
        rows = [(c, seed, length) for c, seed in self.trainings for length in self.lengths]
        return LossPoints(
            np.array([c.multipliers for c, _, _ in rows]),
            np.array([c.macs for c, _, _ in rows], dtype=float),
            np.array([length for _, _, length in rows]),
            np.ones(len(rows)) if loss is None else loss,
            np.array([seed for _, seed, _ in rows], dtype=np.int64),
        )


def within(candidates: Sequence[ScalingCandidate], budget: float, lengths: Sequence[float]) -> Design:
    """All candidates with one seed, then with the next, as long as their MACs fit into ``budget`` (MACs)."""
    chosen: list[tuple[ScalingCandidate, int]] = []
    spent = 0.0
    for seed in range(99):
        for candidate in candidates:
            if spent + candidate.macs > budget:
                return Design(tuple(chosen), tuple(lengths))
            spent += candidate.macs
            chosen.append((candidate, seed))
    return Design(tuple(chosen), tuple(lengths))


def world(rng: np.random.Generator, cost: CostModel, growth: float) -> tuple[LossLaw, Array, Array]:
    """A law, its parameters, and the α, β, γ of which it is the law, for trainings of ``EPOCHS``.

    The shares of the growth come first, evenly drawn but for the rim, where an interval of a coefficient of 1 could hardly miss; then what an
    e-fold of the MACs is worth there, 0.04 to 0.15 nats, how fast each dimension is used up, and what slows a training down. The slopes follow, for at
    the best division all dimensions are worth the same.
    """
    shares = rng.dirichlet((2.0, 2.0, 2.0))
    z = shares * np.log(growth) / cost.powers
    worth, a, b = rng.uniform(0.04, 0.15), rng.uniform(0.3, 2.0, 3), rng.uniform(0.0, 0.8, 3)
    left, c = rng.uniform(0.1, 0.5), rng.uniform(0.25, 0.8)
    slowness = b * left * np.exp(b @ z - c * np.log(growth))
    slopes = (worth * cost.powers + slowness) * np.exp(a * z)
    floor = rng.uniform(0.5, 1.2)
    theta = np.concatenate([[np.log(floor)], np.log(slopes), np.log(a), [np.log(left)], b, [np.log(c)]])
    law = LossLaw(np.array([0.0, 0.0, 0.0, cost.level + np.log(EPOCHS)]))
    return law, theta, np.exp(z)


def losses(law: LossLaw, theta: Array, design: Design, noise: Noise, rng: np.random.Generator) -> LossPoints:
    """What the trainings of a design measure in a world."""
    points = design.points()
    covariance = noise.covariance(points.runs, points.seed)
    luck = np.linalg.cholesky(covariance) @ rng.standard_normal(len(points))
    return design.points(law.predict(theta, points.logs) + luck)


def outcomes(design: Design, worlds: range, noise: Noise, growth: float) -> Iterator[tuple[Array, LossFit]]:
    """(true coefficients, fit) of each world, for the longest training of the design."""
    cost = CostModel.of(design.points())
    for number in worlds:
        rng = np.random.default_rng((7, number))
        law, theta, truth = world(rng, cost, growth)
        yield truth, fit_loss(losses(law, theta, design, noise, rng), growth=growth, draws=720)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--designs", default="star,grid,lengths")
    parser.add_argument("--budget", type=float, default=106.0, help="in trainings of the network itself")
    parser.add_argument("--centre", type=float, default=4.0)
    parser.add_argument("--down", type=float, default=4.0)
    parser.add_argument("--noise", type=float, default=1.0, help="times the measured noise")
    asked = parser.parse_args()
    base = from_json(Path("examples/small_mbconv.json").read_text())
    star = star_candidates(base, centre=asked.centre, down=asked.down)
    grid = list({c.architecture.key: c for c in grid_candidates(base, paper_grid(), 2.0)}.values())
    budget = asked.budget * star[0].macs
    designs = {
        "star": within(star, budget, (EPOCHS,)),
        "grid": within(grid, budget, (EPOCHS,)),
        # Cool-downs of a fifth of the length before them, from one run: 1.3 to 1.6 times the training.
        "lengths": within(star, budget / 1.35, (EPOCHS / 4, EPOCHS / 2, EPOCHS)),
    }
    noise = Noise(*(asked.noise * value for value in (MEASURED.point, MEASURED.training, MEASURED.seed)))
    print(
        "| design | trainings | worlds | holds α | holds β | holds γ | all | median width α | β | γ | error α | β | γ | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name in asked.designs.split(","):
        design, held, widths, errors = designs[name], [], [], []
        started = time.perf_counter()
        numbers = range(asked.first, asked.first + asked.worlds)
        for truth, fit in outcomes(design, numbers, noise, 2.0):
            last = fit.budgets[-1]
            pairs = np.array(last.intervals, dtype=float)
            held.append((pairs[:, 0] - 1e-3 <= truth) & (truth <= pairs[:, 1] + 1e-3))
            widths.append(pairs[:, 1] - pairs[:, 0])
            errors.append(np.abs(np.array(last.coefficients, dtype=float) - truth))
        shares = [f"{value:.1%}" for value in (*np.mean(held, axis=0), np.mean(held))]
        cells = [f"{value:.3f}" for value in (*np.median(widths, axis=0), *np.mean(errors, axis=0))]
        seconds = time.perf_counter() - started
        print(
            f"| {name} | {len(design.trainings)} | {len(held)} | {' | '.join(shares + cells)} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
