"""``nascale train``: trains a network to the end, or goes on with a training that was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from nascale.options import plot_option, setting_options, storage_option
from nascale.output import echo
from nascale.stopping import stop_on_signals
from nascale.train_spec import UNUSED, TrainSpec, train_spec

if TYPE_CHECKING:
    from evaluators.trainer.standing import Standing


@click.command("train")
@click.argument("arch")
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the run, new or one to go on with (RUN)."
)
@setting_options(TrainSpec, without={"arch", *UNUSED})
@storage_option
@click.option(
    "--checkpoint-minutes",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Minutes between checkpoints; one is also written after each epoch.",
)
@click.option("--json-lines", is_flag=True, help="Write the metrics to metrics.jsonl too.")
@plot_option("The curves of losses and accuracies")
@click.option(
    "--tensorboard",
    metavar="DIR",
    help="Write TensorBoard event files to this folder (nascale[tensorboard]).",
)
@click.option("--quiet", is_flag=True, help="Print the result only.")
def command(
    arch: str,
    out: str,
    storage: str | None,
    checkpoint_minutes: float,
    json_lines: bool,
    plot: str | None,
    tensorboard: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a network to the end, or go on with a training that was stopped.

    ARCH is a network of the zoo, which is made for the classes and channels of the images, a JSON file, or
    STUDY:NUMBER, which is trained on the study's images and split. The folder RUN then holds run.json,
    metrics.csv, best.safetensors (the kept weights, raw or averaged: see --keep) and last, the
    checkpoint. Ctrl-C stops cleanly; the same command goes on where it stopped, also after a kill, to the same
    weights. Test images are not looked at.
    """
    spec = train_spec(arch, options, storage)
    from evaluators.evaluator import StopFlag, Stopped
    from nascale.train_run import prepare, run
    from nascale.training_text import closing, opening

    prepared = prepare(spec, out, storage)
    if prepared.finished:
        echo(f"{out} is finished; nothing was done")
    elif not quiet:
        for line in opening(prepared):
            echo(line)
    stop = StopFlag()
    stop_on_signals(stop)
    try:
        with _followed(tensorboard, quiet or prepared.finished) as follow:
            done = run(
                prepared,
                checkpoint_seconds=60 * checkpoint_minutes,
                json_lines=json_lines,
                stop=stop,
                follow=follow,
            )
    except Stopped:
        echo(f"stopped; the same command goes on with {out}", err=True)
        raise KeyboardInterrupt from None
    for line in closing(done):
        echo(line)
    if plot is not None:
        from evaluators.trained.run_folder import METRICS
        from results.plots.training import draw
        from results.training_curves import read_metrics

        echo(f"wrote {draw(read_metrics(done.folder / METRICS), plot, title=done.name, kept=done.metrics)}")


@contextmanager
def _followed(tensorboard: str | None, quiet: bool) -> Iterator[Callable[[Standing], None]]:
    """What is called after each step: the screen, unless ``quiet``, and TensorBoard's files where they are asked for."""
    from nascale.training_progress import follower

    with ExitStack() as stack:
        followers: list[Callable[[Standing], None]] = []
        if tensorboard is not None:
            from evaluators.trainer.tensorboard import TensorBoardLog

            followers.append(stack.enter_context(TensorBoardLog(tensorboard)))
        if not quiet:
            followers.append(stack.enter_context(follower()))

        def follow(training: Standing) -> None:
            for one in followers:
                one(training)

        yield follow
