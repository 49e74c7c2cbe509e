"""Tables of made-up results, to test samplers on tables on which no setting was chosen.

    python -m bench.made_tables FOLDER
    nascale bench samplers FOLDER/t0.toml --samplers controller,tpe,evolution,random --repeats 40

Accuracy is a saturating function of random effects of single options and of pairs of them. Each of three seeds observes
it with noise. The tables differ in size, in the weight of pairs and in their noise.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd

TABLES = ((6, 4, 0.3, 0.09), (8, 3, 1.0, 0.09), (5, 5, 1.0, 0.18), (10, 2, 0.6, 0.06))
"""(decisions, options of each, weight of pairs, standard deviation between seeds in points) of each table."""
CENTRE, REACH = 90.0, 3.0
"""Accuracies lie within REACH points of CENTRE."""


def table(seed: int, decisions: int, options: int, pairs: float, noise: float) -> pd.DataFrame:
    """Every assignment once, with the accuracy under three seeds and the true mean, in percent."""
    rng = np.random.default_rng(seed)
    rows = np.array(list(itertools.product(range(options), repeat=decisions)))
    single = rng.normal(size=(decisions, options))
    double = rng.normal(size=(decisions, decisions, options, options)) * pairs / np.sqrt(decisions)
    score = single[np.arange(decisions), rows].sum(axis=1)
    for i, j in itertools.combinations(range(decisions), 2):
        score += double[i, j, rows[:, i], rows[:, j]]
    truth = CENTRE + REACH * np.tanh(0.8 * (score - score.mean()) / score.std())
    frame = pd.DataFrame(rows, columns=[f"d{i}" for i in range(decisions)])
    for name in ("s0", "s1", "s2"):
        frame[name] = (truth + noise * rng.normal(size=len(truth))).round(4)
    frame["mean"] = truth.round(4)
    return frame


def write(folder: Path) -> None:
    """The tables and a spec for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (decisions, options, pairs, noise) in enumerate(TABLES):
        table(100 + number, decisions, options, pairs, noise).to_csv(folder / f"t{number}.csv", index=False)
        names = ", ".join(f'"d{i}"' for i in range(decisions))
        (folder / f"t{number}.toml").write_text(
            f'trials = 100\n[table]\npath = "t{number}.csv"\ndecisions = [{names}]\n'
            'accuracy = ["s0", "s1", "s2"]\ntruth = "mean"\nunit = "percent"\n'
        )


def main() -> None:
    """Reads the folder from the command line and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    sys.exit(main())
