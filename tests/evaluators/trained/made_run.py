"""The folder of a training, made without one: a small network whose weights are drawn, or hardly trained."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from evaluators.data import load
from evaluators.network import build
from evaluators.trained.run_folder import BEST, Preprocessing, TrainedRun, save_weights
from space.architecture import Architecture
from space.zoo import architecture as known

DATA = {"text": "digits", "seed": 0, "validation": 0.2, "skip_bad": False}


def made_run(folder: Path, network: Architecture | None = None) -> TrainedRun:
    """A finished run on the digits in ``folder`` (created); the weights are drawn, statistics of norms included."""
    images = load("digits")
    network = network or known("mobilenet_v2@width=0.25,resolution=32,classes=10,in_channels=1")
    folder.mkdir(parents=True)
    module = build(network, seed=0)
    generator = torch.Generator().manual_seed(1)
    for child in module.modules():
        if (
            isinstance(child, nn.BatchNorm2d)
            and child.running_mean is not None
            and child.running_var is not None
        ):
            child.running_mean.normal_(0.0, 0.1, generator=generator)
            child.running_var.uniform_(0.5, 1.5, generator=generator)
    save_weights(folder / BEST, module.state_dict())
    mean, std = images.statistics
    run = TrainedRun(
        folder=folder,
        architecture=network,
        classes=images.classes,
        preprocessing=Preprocessing(resolution=network.resolution, mean=mean, std=std),
        spec={"epochs": 1, "keep": "latest", "seed": 0, **DATA},
        data=DATA,
        described=images.describe(),
        provenance={},
        finished=True,
        metrics={"epoch": 1, "accuracy": 0.1, "balanced_accuracy": 0.1, "loss": 2.3, "weights": "raw"},
    )
    return run.write()
