"""A tiny space and its networks, for the tests of supernets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from evaluators.evaluator import Candidate
from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.supernet.weights import SharedWeights
from evaluators.training import TrainEvaluator
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, Drop, GlobalPool, MBConv
from space.search_space import Decision, SearchSpace

CPU = torch.device("cpu")


def network(expansion: int = 2, channels: int = 8, depth: int = 1, drop: float = 0.2) -> Architecture:
    blocks = tuple(MBConv(channels, stride=2 if i == 0 else 1, expansion=expansion) for i in range(depth))
    head = (GlobalPool(), *((Drop(drop),) if drop else ()), Dense())
    return Architecture((Conv(8),), (Stage(blocks),), head, 8, 10, 1)


SPACE = SearchSpace(
    "tiny",
    (Decision("expansion", (1, 2, 3)), Decision("channels", (8, 12)), Decision("depth", (1, 2))),
    lambda d: network(int(d["expansion"]), int(d["channels"]), int(d["depth"])),
)


WITHOUT_DROPOUT = SearchSpace(
    "dry",
    SPACE.decisions,
    lambda d: network(int(d["expansion"]), int(d["channels"]), int(d["depth"]), drop=0.0),
)


def supernet(trainer: TrainEvaluator, **settings: Any) -> SupernetEvaluator:
    return SupernetEvaluator(trainer, SPACE, statistics_images=128, **settings)


def candidate(architecture: Architecture, seed: int = 0) -> Candidate:
    return Candidate(0, {}, architecture.key, architecture, seed)


def values(shared: SharedWeights) -> dict[str, np.ndarray[Any, Any]]:
    return {name: p.detach().numpy().copy() for p, name in shared.names.items()}
