"""A full training: it learns, it is a function of its seed, and it goes on exactly from any stored state."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch

from evaluators.evaluator import Diverged, StopFlag, Stopped
from evaluators.full_recipe import FullRecipe
from evaluators.images.image_set import ImageSet
from evaluators.network import build
from evaluators.recipe import Recipe
from evaluators.trainer.full_training import FullTraining, Teacher, new_network
from evaluators.training import TrainEvaluator
from space.architecture import Architecture
from tests.evaluators.test_training import NET, candidate

CPU = torch.device("cpu")
PLAIN: dict[str, Any] = {
    "ema": 0.0,
    "crop": 0,
    "random_resized_crop": 0.0,
    "flip": False,
    "auto_augment": "none",
    "label_smoothing": 0.0,
}


def training(
    images: ImageSet,
    network: Architecture = NET,
    *,
    seed: int = 0,
    teacher: Teacher | None = None,
    **recipe: Any,
) -> FullTraining:
    """A training on the CPU, on three of ten images; two epochs of the full recipe where nothing else is said."""
    made = FullRecipe(**{"epochs": 2, "fraction": 0.3, "device": "cpu", **recipe})
    return FullTraining(
        new_network(network, seed, CPU),
        network.resolution,
        images,
        made,
        seed=seed,
        device=CPU,
        teacher=teacher,
    )


def trained(one: FullTraining, moves: int = 10**9) -> FullTraining:
    """The training after so many steps and judgements, or at its end."""
    while not one.finished and moves:
        if one.epoch_is_trained:
            one.judge()
        else:
            one.advance()
        moves -= 1
    return one


def stored(one: FullTraining) -> dict[str, Any]:
    """The state as it comes back from a file."""
    buffer = io.BytesIO()
    torch.save(one.state(), buffer)
    buffer.seek(0)
    state: dict[str, Any] = torch.load(buffer, weights_only=True)
    return state


def figures(one: FullTraining) -> list[tuple[Any, ...]]:
    """What was measured, without times."""
    return [
        (
            r.epoch,
            r.learning_rate,
            r.train_loss,
            r.validation_loss,
            r.accuracy,
            r.average_loss,
            r.average_accuracy,
        )
        for r in one.rows
    ]


def assert_same(one: FullTraining, other: FullTraining) -> None:
    assert figures(one) == figures(other)
    for which in ("raw", "average"):
        if which == "raw" or one.average is not None:
            for name, tensor in one.weights(which).items():
                assert torch.equal(tensor, other.weights(which)[name]), (which, name)


def test_it_learns_the_digits_as_a_search_does(digits: ImageSet) -> None:
    full = trained(training(digits, epochs=4, fraction=1.0, **PLAIN))
    short = TrainEvaluator(digits, Recipe(epochs=4, device="cpu")).measure(candidate())
    assert full.rows[-1].accuracy > 0.85
    assert abs(full.rows[-1].accuracy - short[-1].accuracy) < 0.1


ALL = {"mixup": 0.2, "cutmix": 1.0, "random_erasing": 0.3, "class_weights": "balanced", "clip": 1.0}


@pytest.mark.parametrize("recipe", [{}, PLAIN, {**ALL, "optimizer": "adamw"}], ids=["full", "plain", "all"])
def test_it_goes_on_exactly_from_any_state(digits: ImageSet, recipe: dict[str, Any]) -> None:
    whole = trained(training(digits, **recipe))
    for stop in (1, whole.steps, whole.steps + 1):
        first = trained(training(digits, **recipe), stop)
        second = training(digits, **recipe)
        torch.rand(7)  # whatever else drew random numbers does not matter
        second.restore(stored(first))
        assert_same(trained(second), whole)


def test_another_seed_is_another_training(digits: ImageSet) -> None:
    one, other = (trained(training(digits, seed=seed, epochs=1)) for seed in (0, 1))
    assert figures(one) != figures(other)


def test_every_image_is_seen_once_an_epoch_in_a_new_order(digits: ImageSet) -> None:
    one = training(digits, batch_size=100, fraction=0.5)
    orders = []
    for _ in range(2):
        seen = []
        while not one.epoch_is_trained:
            seen.append(one._positions())
            one.advance()
        one.judge()
        order = torch.cat(seen)
        assert len(order.unique()) == len(order) == one.steps * 100 == 500
        orders.append(order)
    assert not torch.equal(*orders)


def test_the_average_is_judged_and_may_be_the_best(digits: ImageSet) -> None:
    one = trained(training(digits, ema=0.5, epochs=3))
    last = one.rows[-1]
    assert last.average_accuracy is not None and last.average_loss != last.validation_loss
    assert one.best is not None
    assert one.best.accuracy == max(a for r in one.rows for a in (r.accuracy, r.average_accuracy or 0))
    assert one.weights("average").keys() == one.weights("raw").keys()


def test_without_patience_left_it_ends_early(digits: ImageSet) -> None:
    one = trained(training(digits, epochs=50, learning_rate=1e-9, patience=2, **PLAIN))
    assert one.stopped_early
    assert one.epoch < 50


def test_a_stopped_judgement_changes_nothing(digits: ImageSet) -> None:
    one = training(digits)
    trained(one, one.steps)
    assert one.epoch_is_trained
    stop = StopFlag()
    stop.set()
    with pytest.raises(Stopped):
        one.judge(stop)
    assert (one.epoch, one.step, one.rows) == (0, one.steps, [])


def test_a_loss_that_is_no_number_is_named(digits: ImageSet) -> None:
    with pytest.raises(Diverged, match="in epoch 1"):
        trained(training(digits, learning_rate=1e12))


def test_a_network_learns_from_a_teacher_alone(digits: ImageSet) -> None:
    teacher = trained(training(digits, epochs=4, fraction=1.0, **PLAIN))
    network = build(NET, seed=1)
    network.load_state_dict(teacher.weights("raw"))
    network.eval().requires_grad_(False)
    taught = trained(
        training(digits, seed=3, epochs=4, fraction=1.0, teacher=Teacher(network, 1.0, 2.0), **PLAIN)
    )
    assert taught.rows[-1].accuracy > 0.8
    assert taught.rows[-1].train_loss < taught.rows[0].train_loss


def test_a_share_of_the_images_is_the_same_for_every_seed(digits: ImageSet) -> None:
    few = [training(digits, seed=seed, fraction=0.3, batch_size=32).train_images.labels for seed in (0, 1)]
    assert torch.equal(*few)
    assert len(few[0]) == pytest.approx(0.3 * len(digits.train), abs=10)
