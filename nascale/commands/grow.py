"""``nascale grow``: a larger network that begins with what a trained one has learnt."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from nascale.options import storage_option
from nascale.output import echo
from space.errors import InputError

_GROWN = "grown.safetensors"


@click.command("grow")
@click.argument("run")
@click.option(
    "--to",
    "arch",
    required=True,
    metavar="ARCH",
    help="The larger network: a file that nascale scale family --write made, or any ARCH with more layers, channels or "
    "pixels.",
)
@click.option(
    "--out",
    metavar="FILE",
    help="The weights for nascale train --init (.safetensors).  [default: RUN/grown.safetensors]",
)
@click.option("--data", metavar="SOURCE", help="Another place of the images that RUN was trained on.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of which channels are repeated, of their shares, and of new weights.",
)
@storage_option
def command(run: str, arch: str, out: str | None, data: str | None, seed: int, storage: str | None) -> None:
    """A larger network with the function of RUN's: the start of its training (nascale train ARCH --init FILE).

    Channels are repeated and what reads them divides its weights among the repeats; new layers pass on what comes in;
    more pixels need nothing (Net2Net, Chen et al. 2016). Where a network does not allow that exactly, it says where. The
    outputs of both are compared on validation images. A network that is smaller than RUN's in some part is refused.
    """
    out = str(Path(run) / _GROWN) if out is None else out
    if not out.endswith(".safetensors"):
        raise InputError.of("--out", "a file ending in .safetensors", out)
    from evaluators.growth.deviation import deviation
    from evaluators.growth.growing import grow_from
    from evaluators.network import build
    from evaluators.trained.run_folder import open_run, save_weights
    from nascale.architectures import fitted
    from nascale.growth_text import deviation_lines, grown_lines, note_lines

    trained = open_run(run)
    before = trained.architecture
    larger = fitted(
        arch,
        storage,
        classes=before.classes,
        channels=before.in_channels,
        side=before.resolution,
        argument="--to",
    )
    images = trained.images(data)
    network = build(larger, seed=seed)
    grown = grow_from(network, larger, trained, images, seed=seed, argument="--to")
    for line in (*grown_lines(before, larger), *note_lines(grown.notes)):
        echo(line)
    for line in deviation_lines(deviation(trained, network, larger, images), before, larger):
        echo(line)
    save_weights(Path(out), network.state_dict())
    echo(f"wrote {out}; nascale train {shlex.quote(arch)} --init {shlex.quote(out)} goes on with it")
