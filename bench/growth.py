"""What it saves to grow a network from its trained sibling: seconds to the accuracy of a training from scratch.

    python -m bench.growth --data SOURCE [--arch ARCH] [--times 3] [--epochs 15] [--fraction 0.4] [--shares 0.6,0.33]
        [--rates 1,0.3] [--seeds 0,1] [--out DIR] [--report]

For each seed the sibling ARCH and a member of its family of --times its MACs are trained for --epochs; then the member grown
from the sibling for each share of the epochs, a whole training each time by the same recipe, warm-up included, with each of --rates
of its highest learning rate. One thread, accuracies of the kept weights on the validation images. Trainings are runs
below --out: a call that is stopped goes on where it was, and --report prints the table of those that are finished.

The sibling's own seconds are named beside the member's: growth is for those who have or want both networks. Seconds are
epochs times the quickest epoch of the network, as other work on the machine slows single epochs down.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import nan
from pathlib import Path
from statistics import mean, stdev

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

    def done(self, one: Training) -> TrainedRun | None:
        """The run of a training that is finished."""
        folder = self.out / one.name
        found = open_run(folder) if (folder / RUN).exists() else None
        return found if found is not None and found.finished else None


def report(plan: Plan) -> None:
    small, large = (costs(network).macs / 1e6 for network in (plan.sibling, plan.member))
    print(
        f"sibling {small:.2f}M MACs at {plan.sibling.resolution} px, member {large:.2f}M at {plan.member.resolution} px"
    )
    every = [(one, run) for one in plan.trainings() if (run := plan.done(one)) is not None]
    epoch = {
        network: min((quickest(run) for one, run in every if one.network is network), default=0.0)
        for network in (plan.sibling, plan.member)
    }
    print(f"an epoch takes {epoch[plan.sibling]:.1f} s and {epoch[plan.member]:.1f} s\n")
    print(
        "| seed | training | epochs | seconds | accuracy | to scratch | of its seconds | with the sibling's |"
    )
    print("|---|---|---|---|---|---|---|---|")
    gains: dict[str, list[float]] = {}
    for one, run in every:
        assert run.metrics is not None
        cells = [str(one.seed), one.what, str(one.epochs), f"{one.epochs * epoch[one.network]:.0f}"]
        cells.append(f"{100 * run.metrics['accuracy']:.2f} %")
        scratch = next((r for o, r in every if (o.what, o.seed) == ("scratch", one.seed)), None)
        if one.grows and scratch is not None and scratch.metrics is not None:
            gain = 100 * (run.metrics["accuracy"] - scratch.metrics["accuracy"])
            gains.setdefault(one.what, []).append(gain)
            whole, own = plan.epochs * epoch[plan.member], one.epochs * epoch[plan.member]
            both = own + plan.epochs * epoch[plan.sibling]
            cells += [f"{gain:+.2f}", f"{100 * own / whole:.0f} %", f"{100 * both / whole:.0f} %"]
        else:
            cells += [""] * 3
        print(f"| {' | '.join(cells)} |")
    for what, found in gains.items():
        error = stdev(found) / len(found) ** 0.5 if len(found) > 1 else nan
        print(
            f"\n{what}: {mean(found):+.2f} points to scratch, standard error {error:.2f} over {len(found)} seeds"
        )


def quickest(run: TrainedRun) -> float:
    """Seconds of the quickest epoch: others shared the machine with something else."""
    with (run.folder / METRICS).open(newline="") as file:
        clock = [0.0, *(float(row["seconds"]) for row in csv.DictReader(file))]
    return min(after - before for before, after in pairwise(clock))


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
