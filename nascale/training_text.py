"""What a full training says on the screen before and after: what its recipe does, how long it takes, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evaluators.full_recipe import HIGHEST, FullRecipe
from nascale.quantities import human_count, human_seconds

if TYPE_CHECKING:
    from evaluators.trained.run_folder import TrainedRun
    from evaluators.trainer.initial_weights import FittedWeights
    from nascale.train_run import PreparedTraining
    from nascale.train_spec import TrainSpec

_NAMED = 4


def opening(prepared: PreparedTraining) -> Iterator[str]:
    """What is going to be trained on what and how, and how long it will take."""
    from evaluators.images.summary import DataSummary
    from space.cost import costs

    spec, run = prepared.spec, prepared.run
    found = costs(run.architecture)
    yield (
        f"network {run.architecture.label}: {human_count(found.params)} parameters, {human_count(found.macs)} MACs "
        f"at {run.architecture.resolution} pixels"
    )
    yield f"data {DataSummary.of(prepared.images).line()}"
    if spec.trained_validation:
        yield f"validation: {prepared.images.origins['validation']}"
    yield from recipe_lines(spec.training)
    if spec.shared:
        yield workers_line(spec, prepared.on_gpus)
    if spec.teacher is not None:
        yield (
            f"teacher: {spec.teacher}, {spec.distillation_weight:g} of the loss at temperature {spec.temperature:g}"
        )
    if prepared.init is not None:
        yield from init_lines(str(spec.init), prepared.init)
    if prepared.goes_on:
        yield f"going on with {run.folder}"
    elif prepared.speed is not None:
        seconds = prepared.speed.epoch_seconds
        yield (
            f"{spec.training.epochs} epochs of about {human_seconds(seconds)}: {human_seconds(seconds * spec.training.epochs)} "
            f"on {spec.threads} processor{'s' if spec.threads != 1 else ''}"
            f"{f' for each of {spec.workers} workers' if spec.workers > 1 else ''}"
        )


def workers_line(spec: TrainSpec, on_gpus: bool | None) -> str:
    """How the workers share a batch; ``on_gpus=None`` where only the cluster knows whether it has GPUs."""
    batch = spec.training.batch_size
    alone = "batch norms see the images of their own worker alone"
    norms = {True: "batch norms see all of them", False: alone, None: f"without GPUs {alone}"}[on_gpus]
    return f"workers: {spec.workers}, each with batches of {batch}, {spec.workers * batch} together; {norms}"


def recipe_lines(recipe: FullRecipe) -> Iterator[str]:
    """What the recipe does, and what of it is off."""
    rate = "by batch size" if recipe.learning_rate is None else f"{recipe.learning_rate:g}"
    yield (
        f"optimiser: {recipe.optimizer}, learning rate {rate}, warm-up over {recipe.warmup:.0%} of the steps, then a cosine; "
        f"weight decay {recipe.weight_decay:g}, batches of {recipe.batch_size}"
    )
    parts = {
        f"random crops of {recipe.random_resized_crop:.0%} of the area or more": recipe.random_resized_crop,
        f"shifts of {_pixels(recipe.crop)}": recipe.crop != 0,
        "flips": recipe.flip,
        {"trivial": "TrivialAugment", "rand": "RandAugment", "none": "auto augment"}[recipe.auto_augment]: (
            recipe.auto_augment != "none"
        ),
        f"cutout of {recipe.cutout} pixels": recipe.cutout,
        f"random erasing ({recipe.random_erasing:g})": recipe.random_erasing,
        f"mixup (α {recipe.mixup:g})": recipe.mixup,
        f"cutmix (α {recipe.cutmix:g})": recipe.cutmix,
    }
    yield f"images: {', '.join(name for name, on in parts.items() if on) or 'as they are'}"
    more = {
        f"label smoothing {recipe.label_smoothing:g}": recipe.label_smoothing,
        f"average of the weights ({recipe.ema:g})": recipe.ema,
        "the weights of the highest validation accuracy kept": recipe.keep == HIGHEST,
        f"gradients clipped at {recipe.clip:g}": recipe.clip,
        "balanced class weights, the kept epoch by balanced accuracy": recipe.class_weights == "balanced",
        f"stop after {recipe.patience} epochs without a better accuracy": recipe.patience,
    }
    yield f"also: {', '.join(name for name, on in more.items() if on) or 'nothing'}"


def _pixels(count: int | None) -> str:
    if count is None:
        return "an eighth of the side"
    return f"up to {count} pixel{'s' if count != 1 else ''}"


def init_lines(file: str, found: FittedWeights) -> Iterator[str]:
    """Which tensors of a file were taken as the start, and which were not."""
    yield f"init: {len(found.loaded)} tensors of {file} fit"
    if found.misfits:
        shapes = [f"{one.name} (wanted {one.wanted}, got {one.came})" for one in found.misfits]
        yield f"init: of another shape: {_few(shapes)}"
    for what, names in (("not in the file", found.absent), ("not in the network", found.unused)):
        if names:
            yield f"init: {what}: {_few(names)}"


def _few(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def closing(run: TrainedRun) -> Iterator[str]:
    """How the training ended."""
    metrics = run.metrics
    if metrics is None:
        return
    epochs, planned = metrics["epochs"], int(run.spec["epochs"])
    # Earlier versions did not say so.
    if metrics.get("stopped_early", epochs < planned):
        yield f"stopped after epoch {epochs}: no better accuracy in {run.spec['patience']} epochs"
    elif epochs != planned:
        yield f"{epochs} epochs fitted into the time, {planned} had been planned"
    which = "averaged" if metrics["weights"] == "average" else "raw"
    yield (
        f"kept: epoch {metrics['epoch']}, validation accuracy {metrics['accuracy']:.4f} "
        f"(balanced {metrics['balanced_accuracy']:.4f}), {which} weights, in {run.folder}"
    )
