"""Proxy training: repeatable bit for bit, learns, and refuses what makes no sense."""

from __future__ import annotations

import math
import pickle
import time
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from evaluators.device import pick_device, wants_bfloat16
from evaluators.evaluator import Candidate, Diverged, Measurement, NoRoom, OutOfMemory, StopFlag, Stopped
from evaluators.images.image_set import ImageSet
from evaluators.optimization import learning_rate_factor, make_optimizer
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.recipe import Recipe
from evaluators.training import TrainEvaluator, Training
from evaluators.validation import timed_accuracy
from space.architecture import Architecture, Stage
from space.blocks import Auxiliary, Conv, Dense, Drop, GlobalPool, MBConv
from space.errors import InputError

CPU = torch.device("cpu")
NET = Architecture(
    (Conv(16),),
    (Stage((MBConv(16, stride=2, expansion=2), MBConv(16, expansion=2, drop_path=0.1), Conv(32, stride=2))),),
    (GlobalPool(), Drop(0.1), Dense()),
    8,
    10,
    1,
)


OWN = ("zero_last_norm", "channels_last", "threads", "memory_bytes", "score", "order_by")


def trainer(images: ImageSet, **settings: Any) -> TrainEvaluator:
    """Two epochs on the CPU, and ``settings`` of the recipe or of the evaluator."""
    own = {name: settings.pop(name) for name in OWN if name in settings}
    return TrainEvaluator(images, Recipe(**{"epochs": 2, "device": "cpu", **settings}), **own)


def candidate(architecture: Architecture = NET, seed: int = 0, number: int = 0) -> Candidate:
    return Candidate(number, {}, architecture.key, architecture, seed)


def run(
    images: ImageSet, architecture: Architecture = NET, seed: int = 0, **settings: Any
) -> list[Measurement]:
    return trainer(images, **settings).measure(candidate(architecture, seed))


def figures(measurements: list[Measurement]) -> list[tuple[float, float | None]]:
    return [(m.accuracy, m.loss) for m in measurements]


def test_the_default_recipe_learns_the_digits(digits: ImageSet) -> None:
    measurements = run(digits, epochs=6)
    assert [m.epoch for m in measurements] == list(range(1, 7))
    assert measurements[-1].accuracy > 0.9
    assert all(m.loss is not None and math.isfinite(m.loss) for m in measurements)
    assert measurements[-1].seconds > measurements[0].seconds > 0


def test_the_same_seed_and_key_give_the_same_figures_bit_for_bit(digits: ImageSet) -> None:
    settings: dict[str, Any] = {"crop": 1, "flip": True, "cutout": 2, "label_smoothing": 0.1, "clip": 1.0}
    first = figures(run(digits, **settings))
    torch.manual_seed(99)
    assert figures(run(digits, **settings)) == first
    assert figures(run(digits, seed=1, **settings)) != first


def test_neither_workers_nor_order_change_an_accuracy(digits: ImageSet, ray_session: None) -> None:
    evaluator = trainer(digits, epochs=1)
    other = NET.replace(stem=(Conv(8),))
    alone = {a.key: figures(evaluator.measure(candidate(a))) for a in (NET, other)}
    with open_pool(evaluator, PoolSettings(workers=1)) as pool:
        seen: dict[int, list[tuple[float, float | None]]] = {0: [], 1: []}
        waiting = [candidate(other, number=1), candidate(NET, number=0)]
        while waiting or pool.free < pool.slots:
            while waiting and pool.free:
                pool.submit(waiting.pop(0))
            for event in pool.poll(5.0):
                assert event.failure is None
                if event.measurement:
                    seen[event.number].append((event.measurement.accuracy, event.measurement.loss))
    assert seen == {0: alone[NET.key], 1: alone[other.key]}


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw"},
        {"fraction": 0.25},
        {"train_resolution": 12},
        {"train_width": 0.5},
        {"channels_last": False},
        {"crop": 1, "flip": True, "cutout": 3},
    ],
)
def test_every_option_trains(digits: ImageSet, settings: dict[str, Any]) -> None:
    assert run(digits, epochs=1, **settings)[-1].accuracy > 0.05


def test_a_comparison_may_rank_by_a_loss_and_the_training_stays_the_same(digits: ImageSet) -> None:
    by = {score: run(digits, epochs=1, score=score)[0] for score in ("accuracy", "loss", "train_loss")}
    assert len({(m.accuracy, m.loss) for m in by.values()}) == 1
    assert by["accuracy"].extra["score"] == by["accuracy"].accuracy
    assert by["loss"].loss is not None and by["loss"].extra["score"] == -by["loss"].loss
    assert by["train_loss"].extra["score"] == -by["train_loss"].extra["train_loss"]


def test_auxiliary_classifiers_take_part_in_training_only(digits: ImageSet) -> None:
    stage = Stage((*NET.stages[0].blocks, Auxiliary((GlobalPool(), Dense()), weight=0.5)))
    with_head = NET.replace(stages=(stage,))
    plain, helped = run(digits, epochs=1), run(digits, with_head, epochs=1)
    assert helped[0].extra["train_loss"] > plain[0].extra["train_loss"]


def test_fidelity_changes_the_network_that_is_trained(digits: ImageSet) -> None:
    evaluator = trainer(digits, train_resolution=16, train_width=0.5, fraction=0.5)
    fitted = evaluator.fitted(NET)
    assert fitted.resolution == 16
    assert fitted.stem[0].out_channels == 8  # type: ignore[attr-defined]
    assert TrainEvaluator(digits).fitted(NET) is NET
    half, whole = (
        np.bincount(digits.labels[part], minlength=10) for part in (evaluator.subset(), digits.train)
    )
    assert np.abs(half - whole / 2).max() <= 1


def test_the_settings_travel_with_the_images_and_without_the_tensors(digits: ImageSet) -> None:
    evaluator = trainer(digits, epochs=1)
    evaluator.measure(candidate())
    back = pickle.loads(pickle.dumps(evaluator))
    assert back.describe() == evaluator.describe()
    assert len(pickle.dumps(back)) < 2 * digits.images.nbytes
    assert evaluator.describe()["data"]["checksum"] == digits.checksum


def test_a_diverging_loss_is_an_error_of_its_own(digits: ImageSet) -> None:
    with pytest.raises(Diverged, match="loss became"):
        run(digits, learning_rate=1e18, warmup=0.0)


def test_a_network_too_large_for_its_memory_is_not_built(digits: ImageSet) -> None:
    with pytest.raises(OutOfMemory, match=r"needs about .* MiB at batch 64, 1 MiB are there"):
        run(digits, memory_bytes=2**20)


def test_a_network_for_which_others_leave_no_room_is_not_too_large(
    digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.training.free_bytes", lambda device: 2**20)
    with pytest.raises(NoRoom, match=r"needs about .* MiB at batch 64, 1 MiB are free now"):
        run(digits)
    monkeypatch.setattr("evaluators.training.total_bytes", lambda device: 2**20)
    with pytest.raises(OutOfMemory, match="1 MiB are there"):
        run(digits)


def test_the_probe_finds_what_keeps_a_process_from_every_training(digits: ImageSet) -> None:
    trainer(digits, train_resolution=12, class_weights="balanced", crop=1).probe()
    gone = replace(digits, images=digits.images[:0])
    with pytest.raises(IndexError):
        trainer(gone).probe()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 5000}, "batch_size: wanted at most the 1151 training images of digits, got 5000"),
        ({"batch_size": 200, "fraction": 0.1}, "batch_size: wanted at most the 1"),
        ({"score": "speed"}, "score"),
    ],
)
def test_settings_that_do_not_fit_the_images_are_refused(
    digits: ImageSet, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        trainer(digits, **settings)


def test_a_network_for_other_images_is_refused(digits: ImageSet) -> None:
    with pytest.raises(InputError, match=r"architecture.in_channels: wanted the 1 of digits"):
        run(digits, NET.replace(in_channels=3))
    with pytest.raises(InputError, match=r"architecture.classes"):
        run(digits, NET.replace(classes=7))


@pytest.mark.parametrize("name", ["tpu9", "mps", "xpu"])
def test_an_unknown_device_is_refused_with_those_that_are_offered(name: str) -> None:
    with pytest.raises(InputError, match="device: wanted auto, cpu or cuda, got"):
        pick_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"device: wanted auto or cpu \(this machine has no CUDA\), got 'cuda'"
    ):
        pick_device("cuda")


def test_the_schedule_rises_to_one_and_falls_to_zero() -> None:
    factors = [learning_rate_factor(step, 100, 0.2) for step in range(100)]
    assert factors[20] == 1 and max(factors) == 1
    assert factors[:20] == sorted(factors[:20]) and factors[20:] == sorted(factors[20:], reverse=True)
    assert factors[60] == pytest.approx(0.5)
    assert factors[-1] < 0.01


def test_norms_and_biases_are_not_decayed() -> None:
    from evaluators.network import build

    optimizer = make_optimizer(build(NET).parameters(), Recipe())
    for group in optimizer.param_groups:
        for p in group["params"]:
            assert (group["weight_decay"] > 0) == (p.ndim > 1)


def test_bfloat16_is_never_chosen_by_itself_on_a_cpu() -> None:
    assert not wants_bfloat16("auto", CPU)
    assert not wants_bfloat16("float32", CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_the_same_networks(digits: ImageSet) -> None:
    first = figures(run(digits, device="cuda"))
    assert first == figures(run(digits, device="cuda"))
    assert first[-1][0] > 0.5


def test_a_recipe_is_changed_without_touching_the_evaluator(digits: ImageSet) -> None:
    one = trainer(digits, fraction=0.5, score="loss")
    other = one.with_recipe(epochs=7, fraction=0.25)
    assert (other.recipe.epochs, one.recipe.epochs, other.score) == (7, 2, "loss")
    assert len(other.subset()) < len(one.subset())
    assert (one.schedule.levels, one.schedule.restarts) == (2, False)


def test_what_is_stored_of_a_recipe_keeps_its_names(digits: ImageSet) -> None:
    told = trainer(digits, train_resolution=10, train_width=0.5).describe()
    assert (told["evaluator"], told["resolution"], told["width"]) == ("train", 10, 0.5)
    recipe = {f.name for f in fields(Recipe)} - {"train_resolution", "train_width", "class_weights"}
    own = {"evaluator", "resolution", "width", "zero_last_norm", "channels_last", "data"}
    assert told.keys() == recipe | own
    assert trainer(digits).fidelity == {"epochs": 2, "fraction": 1.0, "resolution": None, "width": 1.0}


class StopAfter(StopFlag):
    """Is set once it has been looked at ``looks`` times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            self.set()
        super().check()


def test_a_training_looks_at_the_flag_before_every_batch(digits: ImageSet) -> None:
    evaluator = trainer(digits, fraction=0.25, batch_size=32, epochs=1)
    steps = Training(evaluator, NET, CPU, 0, StopFlag()).steps
    batches_of_validation = 1
    assert len(list(evaluator.evaluate(candidate(), StopAfter(steps + batches_of_validation)))) == 1
    for looks in (0, steps - 1, steps):
        with pytest.raises(Stopped):
            list(evaluator.evaluate(candidate(), StopAfter(looks)))


def unbalanced(images: ImageSet) -> ImageSet:
    """The images without four fifths of the training images of odd digits."""
    odd = images.labels[images.train] % 2 == 1
    kept = ~odd | (np.arange(len(images.train)) % 5 == 0)
    return replace(images, train=images.train[kept])


def test_balanced_accuracy_is_the_mean_over_the_classes(digits: ImageSet) -> None:
    images = unbalanced(digits)
    measured = run(images, epochs=1)[-1]
    training = Training(trainer(images, epochs=1), NET, CPU, candidate().stream, StopFlag())
    training.train(1)
    with torch.inference_mode():
        x, y = training.validation_images.slice(0, len(training.validation_images))
        right = (training.module.eval()(x).argmax(1) == y).numpy()
    recalls = [right[y.numpy() == label].mean() for label in range(10)]
    assert measured.accuracy == right.mean()
    assert measured.extra["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert measured.extra["balanced_accuracy"] != measured.accuracy


def test_the_timed_accuracy_has_the_error_grow_with_the_time_of_an_image(digits: ImageSet) -> None:
    first, second = run(digits, epochs=2)
    for measured in (first, second):
        seconds = measured.extra["image_seconds"]
        assert 0 < seconds < measured.seconds
        error = 1 - measured.extra["timed_accuracy"]
        assert error == pytest.approx((1 - measured.accuracy) * (1000 * seconds) ** 0.1)
    assert timed_accuracy(0.8, 1e-3) == pytest.approx(0.8)
    # Twice the time is a factor 2^0.1 of the error, wherever one begins.
    for seconds in (1e-6, 1e-3, 1.0):
        once, twice = (1 - timed_accuracy(0.8, each) for each in (seconds, 2 * seconds))
        assert twice / once == pytest.approx(1.0718, abs=1e-4)


def test_the_time_of_an_image_is_that_of_this_process(digits: ImageSet) -> None:
    """Waiting, as for processors that others use, is not counted; what a step computes is."""

    class Slow(Training):
        def take_step(self, positions: torch.Tensor) -> torch.Tensor:
            time.sleep(0.02)
            return super().take_step(positions)

    waiting = Slow(trainer(digits), NET, CPU, 0, StopFlag())
    assert math.isnan(waiting.image_seconds)
    started = time.perf_counter()
    waiting.train(1)
    whole = (time.perf_counter() - started) / (waiting.steps * waiting.recipe.batch_size)
    assert waiting.image_seconds <= whole - 0.02 / waiting.recipe.batch_size


def test_class_weights_give_each_class_the_same_share_of_the_loss(digits: ImageSet) -> None:
    images = unbalanced(digits)
    counts = np.bincount(images.labels[images.train])
    plain, balanced = trainer(images, epochs=1), trainer(images, epochs=1, class_weights="balanced")
    weights = balanced.class_weights(CPU)
    assert weights is not None and plain.class_weights(CPU) is None
    assert weights.numpy() * counts == pytest.approx([len(images.train) / 10] * 10)
    assert "class_weights" not in plain.describe() and balanced.describe()["class_weights"] == "balanced"
    one, other = (evaluator.measure(candidate())[-1] for evaluator in (plain, balanced))
    assert one.loss != other.loss and one.extra["train_loss"] != other.extra["train_loss"]
    with pytest.raises(InputError, match="class_weights: wanted none or balanced, got 'some'"):
        Recipe(class_weights="some")


def test_networks_may_share_the_order_of_the_images(digits: ImageSet) -> None:
    wide = NET.replace(stem=(Conv(24),))

    def orders(settings: TrainEvaluator, architecture: Architecture, seed: int) -> torch.Tensor:
        one = Candidate(0, {"seed": seed}, f"{architecture.key}-{seed}", architecture, 0)
        run = settings.training(one, architecture, CPU, StopFlag())
        return torch.randperm(50, generator=run.generator)

    own, shared = trainer(digits), trainer(digits, order_by="seed")
    assert not orders(own, NET, 1).equal(orders(own, wide, 1))
    assert orders(shared, NET, 1).equal(orders(shared, wide, 1))
    assert not orders(shared, NET, 1).equal(orders(shared, NET, 2))
    assert "order_by" not in own.describe() and shared.describe()["order_by"] == "seed"
