"""What each part of the recipe of a full training is worth: trained with and without it, paired by seed.

    python -m bench.recipe_parts --data SOURCE --arch ARCH [--rows parts.csv] [--recipe epochs=36,flip=true]
        [--seeds 1,2] [--parts mixup,ema] [--share 1/2] [--report]

The base is FullRecipe with the settings of --recipe. Every variant switches one part of it: off where the base has it,
on where not. One thread each; two processes with --share 1/2 and 2/2 divide the trainings, and may write to one file.
Each training is a row of --rows as soon as it ends, and is not repeated by a second call; --report only prints the
table. Accuracies are the highest of all epochs on the validation images.

The noise of a difference is its standard error over the seeds. With few seeds that estimate is itself noisy: the last
line pools it over the variants. It does not hold what another draw of the validation images would change.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluators.full_recipe import FullRecipe
from evaluators.proxies import parse
from nascale.architectures import fitted
from space.errors import InputError

BASE = "base"
COLUMNS = (
    "data", "arch", "base", "variant", "seed", "accuracy", "balanced_accuracy", "loss", "last_accuracy",
    "best_epoch", "epochs", "weights", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of the recipe: it is on where ``setting`` has the value ``on``, or any but ``off`` for a number."""

    setting: str
    on: Any
    off: Any
    with_on: dict[str, Any] = field(default_factory=dict)
    with_off: dict[str, Any] = field(default_factory=dict)

    def switched(self, recipe: FullRecipe) -> tuple[str, FullRecipe]:
        """(off or on, the recipe with this part switched)."""
        value = getattr(recipe, self.setting)
        is_on = value == self.on if isinstance(value, str) else value != self.off
        changes = (
            {self.setting: self.off, **self.with_off} if is_on else {self.setting: self.on, **self.with_on}
        )
        changed = recipe.replace(**changes)
        assert isinstance(changed, FullRecipe)
        return "off" if is_on else "on", changed


PARTS = {
    # AdamW's decay is of the weights and not of the gradient: it wants about a hundred times as much.
    "adamw": Part("optimizer", "adamw", "sgd", {"weight_decay": 0.05}, {"weight_decay": 5e-4}),
    "warmup": Part("warmup", 0.15, 0.0),
    "label_smoothing": Part("label_smoothing", 0.1, 0.0),
    "ema": Part("ema", 0.998, 0.0),
    "random_resized_crop": Part("random_resized_crop", 0.35, 0.0),
    "crop": Part("crop", None, 0),
    "flip": Part("flip", True, False),
    "trivial": Part("auto_augment", "trivial", "none"),
    "rand": Part("auto_augment", "rand", "none"),
    "mixup": Part("mixup", 0.2, 0.0),
    "cutmix": Part("cutmix", 1.0, 0.0),
    "random_erasing": Part("random_erasing", 0.25, 0.0),
    "class_weights": Part("class_weights", "balanced", "none"),
    "patience": Part("patience", 8, 0),
}


@dataclass(frozen=True)
class Plan:
    """All trainings of a table: what is trained, and the recipe of each variant, the base first."""

    data: str
    arch: str
    seeds: tuple[int, ...]
    variants: dict[str, FullRecipe]

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Plan:
        base = FullRecipe(**parse(f"train:{asked.recipe}")[1])
        names = asked.parts.split(",") if asked.parts else list(PARTS)
        variants = {BASE: base}
        for name in names:
            state, recipe = PARTS[name].switched(base)
            variants[f"{name} {state}"] = recipe
        return cls(asked.data, asked.arch, tuple(map(int, asked.seeds.split(","))), variants)

    def about(self) -> dict[str, str]:
        """What rows of this table have in common."""
        base = {k: v for k, v in asdict(self.variants[BASE]).items() if v != getattr(FullRecipe(), k)}
        return {"data": self.data, "arch": self.arch, "base": json.dumps(base, sort_keys=True)}

    def share(self, number: int, of: int) -> list[tuple[str, int]]:
        """The (variant, seed) that fall to one of several processes."""
        every = [(variant, seed) for seed in self.seeds for variant in self.variants]
        return every[number - 1 :: of]


def train(plan: Plan, variant: str, seed: int) -> dict[str, Any]:
    """Trains one variant from one seed; returns its figures."""
    import torch

    from evaluators.data import load
    from evaluators.device import limit_threads, make_deterministic, pick_device
    from evaluators.images.sources import open_source
    from evaluators.trainer.full_training import FullTraining, new_network

    recipe = plan.variants[variant]
    device = pick_device(recipe.device)
    if device.type == "cuda":
        make_deterministic()
    limit_threads(1, device)
    side = min(open_source(plan.data, size=None, skip_bad=False).shape[:2])
    images = load(plan.data)
    architecture = fitted(plan.arch, None, classes=len(images.classes), channels=images.channels, side=side)
    if images.resolution > 2 * architecture.resolution:
        images = load(plan.data, size=2 * architecture.resolution)
    torch.manual_seed(seed)
    network = new_network(architecture, seed, device)
    training = FullTraining(network, architecture.resolution, images, recipe, seed=seed, device=device)
    started = time.perf_counter()
    while not training.finished:
        training.judge() if training.epoch_is_trained else training.advance()
    best, last = training.best, training.rows[-1].judged()[-1]
    assert best is not None
    return {
        "accuracy": best.accuracy,
        "balanced_accuracy": best.balanced_accuracy,
        "loss": best.loss,
        "last_accuracy": last.accuracy,
        "best_epoch": best.epoch,
        "epochs": training.epoch,
        "weights": best.weights,
        "seconds": round(time.perf_counter() - started, 1),
    }


def known_rows(path: Path, plan: Plan) -> dict[tuple[str, int], dict[str, str]]:
    """The trainings of this table that are already done, by (variant, seed)."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ours = [row for row in rows if all(row[k] == v for k, v in plan.about().items())]
    return {(row["variant"], int(row["seed"])): row for row in ours if row["seconds"]}


def append(path: Path, row: dict[str, Any]) -> None:
    """Adds a row in one write, so that processes do not mix theirs; the first one writes the header."""
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writeheader()
    except FileExistsError:
        pass
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, COLUMNS).writerow(row)


def table(plan: Plan, rows: dict[tuple[str, int], dict[str, str]]) -> list[str]:
    """The lines of the Markdown table: means over the seeds, and differences to the base, in percent."""
    lines = [
        "| variant | seeds | accuracy | to the base | balanced | to the base | loss | epochs | seconds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    spreads: list[float] = []
    for variant in plan.variants:
        seeds = [s for s in plan.seeds if (variant, s) in rows]
        if not seeds:
            continue
        mean = {
            k: statistics.mean(float(rows[variant, s][k]) for s in seeds)
            for k in ("loss", "epochs", "seconds")
        }
        cells = [variant, str(len(seeds))]
        for measure in ("accuracy", "balanced_accuracy"):
            values = [100 * float(rows[variant, s][measure]) for s in seeds]
            pairs = [(v, s) for v, s in zip(values, seeds, strict=True) if (BASE, s) in rows]
            differences = [v - 100 * float(rows[BASE, s][measure]) for v, s in pairs]
            cells += [f"{statistics.mean(values):.2f}", "" if variant == BASE else change(differences)]
            if variant != BASE and measure == "accuracy" and len(differences) > 1:
                spreads.append(statistics.variance(differences))
        lines.append(
            f"| {' | '.join(cells)} | {mean['loss']:.3f} | {mean['epochs']:.0f} | {mean['seconds']:.0f} |"
        )
    if spreads:
        pooled = math.sqrt(statistics.mean(spreads) / len(plan.seeds))
        lines += ["", f"Standard error of a difference of accuracy, pooled over the variants: {pooled:.2f}."]
    return lines


def change(differences: Sequence[float]) -> str:
    """The mean of paired differences with its standard error over the seeds."""
    if not differences:
        return ""
    if len(differences) == 1:
        return f"{differences[0]:+.2f}"
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return f"{statistics.mean(differences):+.2f} ± {error:.2f}"


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="digits")
    parser.add_argument("--arch", default="mobilenet_v2@width=0.25,resolution=32")
    parser.add_argument("--rows", type=Path, help="file to keep the rows in; none is kept by default")
    parser.add_argument("--recipe", default="epochs=12")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--parts", help=f"of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--share", default="1/1", help="which of how many processes this is")
    parser.add_argument("--report", action="store_true", help="only print the table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(asked, asked.rows or Path(folder) / "rows.csv")


def measure(asked: argparse.Namespace, rows: Path) -> None:
    """Trains what is missing in ``rows`` and prints the table."""
    try:
        plan = Plan.of(asked)
        number, of = map(int, asked.share.split("/"))
        for variant, seed in [] if asked.report else plan.share(number, of):
            if (variant, seed) not in known_rows(rows, plan):
                row = {**plan.about(), "variant": variant, "seed": seed, **train(plan, variant, seed)}
                append(rows, row)
                print(f"{variant:24} seed {seed}  {row['accuracy']:.4f}  {row['seconds']} s", file=sys.stderr)
    except (InputError, KeyError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(table(plan, known_rows(rows, plan))))


if __name__ == "__main__":
    main()
