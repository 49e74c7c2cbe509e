"""What it saves to grow a network from its trained sibling: seconds to the accuracy of a training from scratch.

    python -m bench.growth --data SOURCE [--arch ARCH] [--times 3] [--epochs 15] [--fraction 0.4] [--shares 0.6,0.33]
        [--rates 1,0.3] [--seeds 0,1] [--out DIR] [--report]

For each seed the sibling ARCH and a member of its family of --times its MACs are trained for --epochs; then the member grown
from the sibling for each share of the epochs, a whole training each time by the same recipe, warm-up included, with each of --rates
of its highest learning rate. One thread, accuracies of the best epoch on the validation images. Trainings are runs
below --out: a call that is stopped goes on where it was, and --report prints the table of those that are finished.

The sibling's own seconds are named beside the member's: growth is for those who have or want both networks.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch

from evaluators.full_recipe import FullRecipe
from evaluators.growth.growing import grow_from
from evaluators.network import build
from evaluators.trained.run_folder import METRICS, RUN, TrainedRun, open_run, save_weights
from nascale.architectures import resolve
from nascale.train_run import prepare, run
from nascale.train_spec import TrainSpec
from space.architecture import Architecture
from space.codec import to_json
from space.cost import costs
from space.family import family

ARCH = "examples/small_mbconv.json"
_RATE = 0.2 * FullRecipe().batch_size / 128
"""The recipe's own highest learning rate (``evaluators.recipe``)."""


@dataclass(frozen=True)
class Training:
    """One training: of which network, for how many epochs, whether it starts from the sibling, and with which share of the
    highest learning rate."""

    what: str
    network: Architecture
    epochs: int
    seed: int
    grows: bool
    rate: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.what.replace(' ', '-')}-seed-{self.seed}"


@dataclass(frozen=True)
class Plan:
    data: str
    sibling: Architecture
    member: Architecture
    epochs: int
    fraction: float
    shares: tuple[float, ...]
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    out: Path

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Plan:
        sibling = resolve(asked.arch)

        def macs(network: Architecture) -> float:
            return float(costs(network).macs)

        (member,) = family(sibling, [asked.times * macs(sibling)], macs)
        shares = tuple(map(float, asked.shares.split(",")))
        rates = tuple(map(float, asked.rates.split(",")))
        seeds = tuple(map(int, asked.seeds.split(",")))
        network = member.architecture.replace(name=f"{sibling.label} ×{asked.times:g}")
        return cls(
            asked.data, sibling, network, asked.epochs, asked.fraction, shares, rates, seeds, Path(asked.out)
        )

    def trainings(self) -> Iterator[Training]:
        for seed in self.seeds:
            yield Training("sibling", self.sibling, self.epochs, seed, grows=False)
            yield Training("scratch", self.member, self.epochs, seed, grows=False)
            for rate, share in product(self.rates, self.shares):
                epochs = max(1, round(share * self.epochs))
                what = f"grown {share:g}" + (f" rate {rate:g}" if rate != 1 else "")
                yield Training(what, self.member, epochs, seed, grows=True, rate=rate)

    def train(self, one: Training) -> TrainedRun:
        """The finished run; nothing is done where it is there already."""
        keys = {
            "arch": to_json(one.network),
            "data": self.data,
            "epochs": one.epochs,
            "seed": one.seed,
            "threads": 1,
            "fraction": self.fraction,
        }
        if one.rate != 1:
            keys["learning_rate"] = one.rate * _RATE
        if one.grows:
            weights = self.out / f"{one.name}.safetensors"
            if not weights.exists():
                sibling = open_run(self.out / f"sibling-seed-{one.seed}")
                network = build(one.network, seed=one.seed)
                grown = grow_from(network, one.network, sibling, sibling.images(), seed=one.seed)
                assert not grown.notes, grown.notes
                save_weights(weights, network.state_dict())
            keys["init"] = str(weights)
        return run(prepare(TrainSpec.of(**keys), self.out / one.name, measure=False))

    def done(self, what: str, seed: int) -> TrainedRun | None:
        folder = self.out / f"{what.replace(' ', '-')}-seed-{seed}"
        found = open_run(folder) if (folder / RUN).exists() else None
        return found if found is not None and found.finished else None


def seconds(run: TrainedRun) -> float:
    """Of the whole training, as they were measured."""
    with (run.folder / METRICS).open(newline="") as file:
        return float(list(csv.DictReader(file))[-1]["seconds"])


def report(plan: Plan) -> None:
    small, large = (costs(network).macs / 1e6 for network in (plan.sibling, plan.member))
    print(
        f"sibling {small:.2f}M MACs at {plan.sibling.resolution} px, member {large:.2f}M at {plan.member.resolution} px\n"
    )
    print(
        "| seed | training | epochs | seconds | accuracy | to scratch | seconds, of scratch | with the sibling's |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for seed in plan.seeds:
        scratch, sibling = plan.done("scratch", seed), plan.done("sibling", seed)
        for one in plan.trainings():
            if one.seed != seed:
                continue
            found = plan.done(one.what, seed)
            if found is None or found.metrics is None:
                continue
            cells = [str(seed), one.what, str(one.epochs), f"{seconds(found):.0f}"]
            cells.append(f"{100 * found.metrics['accuracy']:.2f} %")
            if one.grows and scratch is not None and scratch.metrics is not None and sibling is not None:
                gain = 100 * (found.metrics["accuracy"] - scratch.metrics["accuracy"])
                both = seconds(found) + seconds(sibling)
                cells += [f"{gain:+.2f}"]
                cells += [f"{100 * part / seconds(scratch):.0f} %" for part in (seconds(found), both)]
            else:
                cells += ["", "", ""]
            print(f"| {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="npz:../shared/data/images/cifar10-10k.npz")
    parser.add_argument("--arch", default=ARCH)
    parser.add_argument("--times", type=float, default=3.0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--fraction", type=float, default=0.4, help="of the training images")
    parser.add_argument("--shares", default="0.6,0.33")
    parser.add_argument(
        "--rates", default="1,0.3", help="of the grown networks, of the highest learning rate"
    )
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--out", default="growth-bench")
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    plan = Plan.of(asked)
    plan.out.mkdir(parents=True, exist_ok=True)
    if not asked.report:
        torch.set_num_threads(1)
        for one in plan.trainings():
            plan.train(one)
    report(plan)


if __name__ == "__main__":
    main()
