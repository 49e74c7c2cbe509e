"""Samplers on a large space of conditional decisions: a surrogate fitted to networks of ``mixed`` that were really trained.

    python -m bench.conditional_space FOLDER [--networks 500] [--seconds 170] [options of nascale bench samplers]

Random networks of ``mixed`` (56 decisions, of which 48 depend on others; 4.8e10 assignments) are trained on the digits for three
epochs, one after the other; after five, networks hardly differ. FOLDER keeps them, so the command can be stopped, and
--seconds ends it early. The model is fitted to the losses, which are finer than accuracies of 287 images. When all
are there, it writes two specs of the table and compares the samplers on the first:
``mixed-digits.toml``, which says itself when a decision is active, and ``mixed-digits-networks.toml``, whose decisions
decode to networks (``--prior`` needs them).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

from evaluators.data import load
from evaluators.evaluator import Candidate
from evaluators.images.image_set import ImageSet
from evaluators.proxies import evaluator
from nascale.cli import run
from search.samplers.protocol import generator
from space.cost import costs
from space.search_space import SearchSpace
from space.spaces import template
from space.template import Template

NAME = "mixed-digits"
RECIPE = "train:epochs=3"
RESULTS = ("accuracy", "loss", "macs", "params", "seconds")
SAMPLERS = "controller,gp-ei,evolution,tpe"


def written(images: ImageSet) -> Template:
    """The space ``mixed`` for these images."""
    types = ("mbconv", "bottleneck", "inception")
    return template("mixed", types, images.resolution, images.channels, len(images.classes))


def train(folder: Path, images: ImageSet, space: SearchSpace, networks: int, seconds: float) -> int:
    """Trains those of the first ``networks`` random networks that FOLDER does not hold, until the time is over; how many it holds."""
    begun, path = time.monotonic(), folder / f"{NAME}.csv"
    names = [d.name for d in space.decisions]
    if not path.exists():
        path.write_text(",".join(["network", *names, *RESULTS]) + "\n")
    with path.open(newline="") as file:
        known = sum(1 for _ in csv.reader(file)) - 1
    trainer = evaluator(RECIPE, images)
    for number in range(known, networks):
        if time.monotonic() - begun > seconds:
            return number
        decisions = space.sample(generator("conditional space", number))
        network = space.decode(decisions)
        last = trainer.measure(Candidate(number, decisions, network.key, network, 0))[-1]
        cost = costs(network)
        chosen = [decisions.get(name, "") for name in names]
        with path.open("a", newline="") as file:
            csv.writer(file).writerow(
                [number, *chosen, last.accuracy, last.loss, cost.macs, cost.params, last.seconds]
            )
    return networks


def write_specs(folder: Path, space: SearchSpace, template: Template) -> None:
    """The two specs of the table and the space of the second."""
    names = ", ".join(f'"{d.name}"' for d in space.decisions)
    table = f'[table]\npath = "{NAME}.csv"\ndecisions = [{names}]\naccuracy = "loss"\nunit = "loss"\nlookup = "surrogate"\n'
    when = (
        f'"{d.name}" = {{ "{d.parent}" = {_toml(d.when)} }}\n'
        for d in space.decisions
        if d.parent is not None
    )
    (folder / f"{NAME}.toml").write_text(
        f'{table}macs = "macs"\nparams = "params"\n\n[table.when]\n{"".join(when)}'
    )
    (folder / f"{NAME}-networks.toml").write_text(f'{table}space = "{NAME}-space.toml"\n')
    stages = ", ".join(
        f"{{ channels = {s.channels}, stride = {s.stride}, depths = {_toml(s.depths)} }}"
        for s in template.stages
    )
    (folder / f"{NAME}-space.toml").write_text(
        f'name = "mixed"\nblock_types = {_toml(template.block_types)}\nresolution = {template.resolution}\n'
        f"in_channels = {template.in_channels}\nclasses = {template.classes}\nstages = [{stages}]\n"
    )


def _toml(values: tuple[object, ...]) -> str:
    return "[" + ", ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in values) + "]"


def main() -> None:
    """Reads the command line, trains what is missing, and compares once everything is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked, options = parser.parse_known_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    images = load("digits")
    open_choices = written(images)
    space = open_choices.search_space()
    trained = train(asked.folder, images, space, asked.networks, asked.seconds)
    print(f"{trained} of {asked.networks} networks are trained", flush=True)
    if trained < asked.networks:
        return
    write_specs(asked.folder, space, open_choices)
    spec = str(asked.folder / f"{NAME}.toml")
    sys.exit(run(["bench", "samplers", spec, "--samplers", SAMPLERS, *options]))


if __name__ == "__main__":
    main()
