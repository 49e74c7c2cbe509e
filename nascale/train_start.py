"""From a spec to the training itself at its start: the network, the weights it starts from, and its teacher."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nascale.architectures import fitted
from nascale.train_spec import TrainSpec
from space.architecture import Architecture
from space.errors import InputError

if TYPE_CHECKING:
    import torch

    from evaluators.images.image_set import ImageSet
    from evaluators.network import Network
    from evaluators.trainer.full_training import FullTraining, Teacher
    from evaluators.trainer.initial_weights import FittedWeights
    from evaluators.trainer.shared_training import SharedTraining
    from evaluators.trainer.team import Team


def start(
    spec: TrainSpec, architecture: Architecture, images: ImageSet
) -> tuple[FullTraining, FittedWeights | None]:
    """(the training in this process, what was taken from ``--init``)."""
    from evaluators.device import pick_device
    from evaluators.trainer.full_training import FullTraining

    device = pick_device(spec.training.device)
    network, init = _network(spec, architecture, device)
    training = FullTraining(
        network,
        architecture.resolution,
        images,
        spec.training,
        seed=spec.seed,
        device=device,
        teacher=_teacher(spec, architecture, device),
    )
    return training, init


def start_share(spec: TrainSpec, architecture: Architecture, images: ImageSet, team: Team) -> SharedTraining:
    """The training as a worker of ``team`` takes part in it: each has a batch of the spec's size."""
    from evaluators.trainer.shared_training import SharedTraining

    network, _ = _network(spec, architecture, team.device)
    return SharedTraining(
        network,
        architecture.resolution,
        images,
        replace(spec.training, batch_size=team.size * spec.training.batch_size),
        seed=spec.seed,
        team=team,
        teacher=_teacher(spec, architecture, team.device),
    )


def _network(
    spec: TrainSpec, architecture: Architecture, device: torch.device
) -> tuple[Network, FittedWeights | None]:
    from evaluators.trainer.full_training import new_network
    from evaluators.trainer.initial_weights import fit_weights

    network = new_network(architecture, spec.seed, device)
    return network, None if spec.init is None else fit_weights(network, spec.init, "--init")


def _teacher(spec: TrainSpec, student: Architecture, device: torch.device) -> Teacher | None:
    """The teacher with its weights. Raises InputError for weights that do not all fit."""
    if spec.teacher is None or spec.teacher_weights is None:
        return None
    assert spec.distillation_weight is not None and spec.temperature is not None
    from evaluators.network import build
    from evaluators.trainer.full_training import Teacher
    from evaluators.trainer.initial_weights import fit_weights

    architecture = fitted(
        spec.teacher,
        None,
        classes=student.classes,
        channels=student.in_channels,
        side=student.resolution,
        argument="--teacher",
    )
    network = build(architecture, device=device)
    found = fit_weights(network, spec.teacher_weights, "--teacher-weights")
    missing = [*found.absent, *(misfit.name for misfit in found.misfits)]
    if missing:
        wanted = f"all weights of {architecture.label}"
        raise InputError.of("--teacher-weights", wanted, f"{spec.teacher_weights} without {missing[0]}")
    return Teacher(network.eval().requires_grad_(False), spec.distillation_weight, spec.temperature)
