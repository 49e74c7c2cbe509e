"""From a spec to a trained network in a folder: everything is checked first, then the run is made or gone on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.full_recipe import LATEST
from nascale.architectures import fitted
from nascale.origin import origin
from nascale.quantities import human_seconds
from nascale.train_data import TrainingData, training_data
from nascale.train_spec import TrainSpec
from nascale.train_start import start, start_share
from space.architecture import Architecture
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.evaluator import StopFlag
    from evaluators.images.image_set import ImageSet
    from evaluators.trained.run_folder import TrainedRun
    from evaluators.trainer.full_training import FullTraining
    from evaluators.trainer.initial_weights import FittedWeights
    from evaluators.trainer.run_training import Pace
    from evaluators.trainer.speed import Speed
    from evaluators.trainer.standing import Standing
    from evaluators.trainer.workers import Workers

_SHARE = 0.95
"""Of the time of ``within`` that the epochs may take: the rest is for reading images and writing files."""


@dataclass(frozen=True)
class PreparedTraining:
    """A training that is ready to run: everything was checked, nothing written.

    ``run`` is the run as it will be, or as it was stored, where ``goes_on``. ``init`` says which tensors of ``--init``
    were taken. ``spec`` has the number of threads, the batch and, once measured, the epochs in it.
    """

    spec: TrainSpec
    run: TrainedRun
    images: ImageSet
    goes_on: bool
    init: FittedWeights | None = None
    speed: Speed | None = None

    @property
    def finished(self) -> bool:
        """Whether the training came to its end before."""
        return self.run.finished

    @property
    def on_gpus(self) -> bool | None:
        """Whether it trains on GPUs; None where that is for the cluster to say."""
        return _workers(self.spec).gpu

    def training(self) -> FullTraining:
        """The training at its start; its checkpoint, where there is one, is not read."""
        return start(self.spec, self.run.architecture, self.images)[0]


def prepare(
    spec: TrainSpec,
    out: str | Path,
    storage: str | None = None,
    *,
    measure: bool = True,
    data: TrainingData | None = None,
) -> PreparedTraining:
    """Opens the images and the folder ``out``, and checks that a training of ``spec`` fits into both.

    The speed of a new training is measured on a few of its steps, unless not to ``measure`` it is asked for, which
    ``within`` of the spec needs. ``data`` are the images where they were opened before. Raises InputError for what cannot be trained, for a
    folder that cannot be written or that another process trains in, and for a run of another spec.
    """
    from evaluators.device import limit_threads, make_deterministic, pick_device
    from evaluators.trained.run_folder import LAST, RUN, open_run
    from evaluators.trainer.lock import check_unlocked
    from evaluators.trainer.room import check_disk, check_folder, check_memory, check_writable
    from evaluators.trainer.speed import measured_speed

    folder = Path(out)
    stored = open_run(folder) if (folder / RUN).exists() else None
    if stored is None:
        check_folder(folder)
    else:
        check_unlocked(folder / LAST)
        check_writable(folder)
    device = pick_device(spec.training.device)
    if device.type == "cuda":
        make_deterministic()
    data = data or training_data(spec, storage)
    images, architecture = data.images, _network(spec, data, storage)
    spec = _filled(spec, images, architecture.resolution, stored)
    if spec.shared:
        _workers(spec).check()
    limit_threads(spec.threads, device)
    if stored is not None:
        _check_same(spec, architecture, images, stored)
        spec = replace(spec, training=replace(spec.training, epochs=int(stored.spec["epochs"])))
        return PreparedTraining(spec, stored, images, goes_on=True)
    here = spec.workers if device.type == "cpu" and spec.ray_address is None else 1
    check_memory(architecture, spec.training, device, copies=here)
    check_disk(folder, architecture, spec.training)
    speed = init = None
    if measure or spec.init is not None:
        training, init = start(spec, architecture, images)
    if measure:
        speed = measured_speed(training).shared(spec.workers)
        spec = _within(spec, speed)
    run = _new_run(spec, folder, architecture, data)
    return PreparedTraining(spec, run, images, goes_on=False, init=init, speed=speed)


def run(
    prepared: PreparedTraining,
    *,
    checkpoint_seconds: float = 300.0,
    json_lines: bool = False,
    stop: StopFlag | None = None,
    follow: Callable[[Standing], None] = lambda training: None,
    seconds_left: Callable[[], float] | None = None,
) -> TrainedRun:
    """Trains to the end, from the checkpoint where there is one; returns the finished run.

    ``follow`` is called after every step and every epoch, with workers four times a second; ``stop`` ends it after a
    checkpoint. ``seconds_left`` has the training, which no workers share, end by the clock and not after the epochs of its
    spec; ``within`` of the spec has it end with the last epoch that fits. Raises Stopped, Diverged, InputError for a folder or a checkpoint that cannot be used or for workers
    that the cluster has no room for, and RunError for workers that die again and again.
    """
    from evaluators.device import limit_threads, pick_device
    from evaluators.evaluator import StopFlag
    from evaluators.trainer.run_training import RunTraining

    if prepared.finished:
        return prepared.run
    if prepared.spec.shared:
        return _run_shared(prepared, checkpoint_seconds, json_lines, stop or StopFlag(), follow)
    limit_threads(prepared.spec.threads, pick_device(prepared.spec.training.device))
    training = prepared.training()
    how = RunTraining(
        prepared.run,
        new=not prepared.goes_on,
        checkpoint_seconds=checkpoint_seconds,
        json_lines=json_lines,
        stop=stop or StopFlag(),
        follow=follow,
        pace=_pace(prepared, seconds_left),
    )
    return how(training)


def _pace(prepared: PreparedTraining, seconds_left: Callable[[], float] | None) -> Pace:
    from evaluators.trainer.pace import Deadline, time_limit

    speed, within = prepared.speed, prepared.spec.within
    if seconds_left is None:
        return (lambda training: None) if within is None else time_limit(_SHARE * within, speed)
    if speed is None:
        return Deadline(seconds_left)
    return Deadline(seconds_left, speed.step_seconds, speed.judge_seconds)


def _run_shared(
    prepared: PreparedTraining,
    checkpoint_seconds: float,
    json_lines: bool,
    stop: StopFlag,
    follow: Callable[[Standing], None],
) -> TrainedRun:
    from evaluators.trainer.workers import train_together

    spec = prepared.spec
    spec = replace(
        spec,
        init=_whole_path(spec.init),
        teacher=_whole_path(spec.teacher),
        teacher_weights=_whole_path(spec.teacher_weights),
    )
    return train_together(
        prepared.run,
        partial(start_share, spec, prepared.run.architecture),
        prepared.images,
        _workers(spec),
        new=not prepared.goes_on,
        checkpoint_seconds=checkpoint_seconds,
        json_lines=json_lines,
        stop=stop,
        follow=follow,
    )


def _workers(spec: TrainSpec) -> Workers:
    from evaluators.device import pick_device
    from evaluators.trainer.workers import Workers

    gpu: bool | None = pick_device(spec.training.device).type == "cuda"
    if spec.ray_address is not None and spec.training.device == "auto":
        gpu = None
    assert spec.threads is not None
    return Workers(count=spec.workers, threads=spec.threads, gpu=gpu, ray_address=spec.ray_address)


def _whole_path(text: str | None) -> str | None:
    """``text`` as a whole path where it is one of a file: workers have another working directory."""
    return str(Path(text).absolute()) if text is not None and Path(text).exists() else text


def _network(spec: TrainSpec, data: TrainingData, storage: str | None) -> Architecture:
    """The network for these images. Raises InputError for one that does not fit them, or that cannot be trained."""
    found = fitted(
        spec.arch,
        storage,
        classes=len(data.images.classes),
        channels=data.images.channels,
        side=data.side,
        resolution=spec.resolution,
    )
    if found.training_misfit:
        raise InputError(f"resolution: {found.training_misfit}")
    return found


def _filled(spec: TrainSpec, images: ImageSet, side: int, stored: TrainedRun | None) -> TrainSpec:
    """The spec with the batch that fits the images, the shifts that fit a network of ``side`` pixels, whose weights are kept
    and the threads: as the stored run has them, or the latest and an equal share."""
    import torch

    from evaluators.images.splits import training_subset

    count = len(training_subset(images, spec.training.fraction))
    batch = spec.training.batch_size
    if batch * spec.workers > count:
        if not spec.fits_batch or 2 * spec.workers > count:
            wanted = f"at most the {count} training images of {images.name}"
            came = f"{spec.workers} workers of {batch} each" if spec.workers > 1 else batch
            raise InputError.of("batch_size", wanted, came)
        batch = max(2, count // (4 * spec.workers))
    every = 1 if spec.ray_address is not None else max(1, torch.get_num_threads() // spec.workers)
    threads = spec.threads or (stored.spec.get("threads") if stored else None) or every
    keep = spec.training.keep or (stored.spec["keep"] if stored else LATEST)
    return replace(
        spec,
        threads=threads,
        training=replace(spec.training, batch_size=batch, crop=spec.training.shift(side), keep=keep),
    )


def _check_same(spec: TrainSpec, architecture: Architecture, images: ImageSet, stored: TrainedRun) -> None:
    """Raises InputError (``--out``) where the stored run is one of another network, other settings or other images."""
    different = spec.differences(stored.spec)
    if architecture != stored.architecture:
        different.insert(0, f"network {stored.architecture.label}, now {architecture.label}")
    found, kept = images.describe(), stored.described
    if not different and (found["checksum"], found["split"]) != (kept["checksum"], kept["split"]):
        different.append(f"images with checksum {kept['checksum']}, now {found['checksum']}")
    if not different and _checksums(spec) != stored.provenance.get("weights", {}):
        different.append("other weights in the files that it starts or learns from")
    if different:
        wanted = "the settings with which the run began, or another folder"
        raise InputError.of("--out", wanted, f"{stored.folder} with {'; '.join(different)}")


def _within(spec: TrainSpec, speed: Speed) -> TrainSpec:
    """The spec with as many epochs as fit into the time it names. Raises InputError where not one does."""
    if spec.within is None:
        return spec
    epochs = int(_SHARE * spec.within / speed.epoch_seconds)
    if epochs < 1:
        wanted = f"time for an epoch, which takes about {human_seconds(speed.epoch_seconds)}"
        raise InputError.of("within", wanted, human_seconds(spec.within))
    return replace(spec, training=replace(spec.training, epochs=epochs))


def _new_run(spec: TrainSpec, folder: Path, architecture: Architecture, data: TrainingData) -> TrainedRun:
    from evaluators.trained.run_folder import Preprocessing, TrainedRun

    images = data.images
    mean, std = images.statistics
    return TrainedRun(
        folder=folder,
        architecture=architecture,
        classes=images.classes,
        preprocessing=Preprocessing(resolution=architecture.resolution, mean=mean, std=std),
        spec=spec.as_dict(),
        data=data.keywords,
        described=images.describe(),
        provenance=origin(images) | {"weights": _checksums(spec)},
    )


def _checksums(spec: TrainSpec) -> dict[str, str]:
    """The digests of the files of weights that a training starts and learns from. Raises InputError for a missing one."""
    found = {}
    for name in ("init", "teacher_weights"):
        file = getattr(spec, name)
        if file is None:
            continue
        try:
            found[name] = blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
        except OSError as error:
            raise InputError.of(name, "a file of weights", f"{file} ({error.strerror})") from None
    return found
