"""The training of shared weights: what a step may touch, and that a stopped training goes on bit for bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluators.training import TrainEvaluator
from tests.evaluators.supernet.tiny import network, supernet, values


def test_a_step_changes_the_drawn_network_and_nothing_else(trainer: TrainEvaluator) -> None:
    training = supernet(trainer, elastic=False).training(0)
    shared = training.shared
    drawn, other = shared.network(network(2)), shared.network(network(3))
    before = values(shared)
    training.turn_to(drawn)
    for parameter in (*drawn.parameters(), *other.parameters()):
        parameter.grad = torch.ones_like(parameter)
    training.optimizer.step()
    after = values(shared)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {shared.names[p] for p in drawn.parameters()}
    # What was needed but never trained is not handed on as trained.
    assert training.weights().keys() == training.state()["weights"].keys() == changed < before.keys()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_training_that_was_stopped_ends_with_the_same_weights(
    trainer: TrainEvaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    evaluator = supernet(trainer.with_recipe(optimizer=optimizer, crop=1, flip=True))
    whole = evaluator.prepare((0,), folder=tmp_path / "whole")
    seen: list[int] = []

    def stop(epoch: int, epochs: int, loss: float, seconds: float) -> None:
        seen.append(epoch)
        assert epochs == 3 and math.isfinite(loss) and seconds > 0
        if epoch == 2 and seen == [1, 2]:
            raise KeyboardInterrupt

    monkeypatch.setattr("evaluators.supernet.evaluator._SAVING_SHARE", math.inf)  # after every epoch
    with pytest.raises(KeyboardInterrupt):
        evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    parts = evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    assert seen == [1, 2, 3]
    assert parts.weights[0].keys() == whole.weights[0].keys()
    for name, weights in whole.weights[0].items():
        assert np.array_equal(weights, parts.weights[0][name]), name

    again = evaluator.prepare((0,), folder=tmp_path / "parts", report=stop)
    assert seen == [1, 2, 3] and again.shared_seconds == parts.shared_seconds
    assert again.losses == parts.losses == whole.losses and 0 in whole.losses
    assert all(np.array_equal(w, again.weights[0][n]) for n, w in whole.weights[0].items())
