"""What a training says of itself before and after."""

from __future__ import annotations

from pathlib import Path

from evaluators.full_recipe import FullRecipe
from evaluators.trainer.initial_weights import FittedWeights, Misfit
from nascale.train_spec import train_spec
from nascale.training_text import closing, init_lines, recipe_lines
from tests.evaluators.trained.made_run import made_run


def test_every_part_of_the_recipe_is_named_where_it_is_on() -> None:
    recipe = FullRecipe(
        random_resized_crop=0.35,
        crop=2,
        cutout=4,
        mixup=0.2,
        cutmix=1.0,
        random_erasing=0.25,
        clip=1.0,
        class_weights="balanced",
        patience=5,
        auto_augment="rand",
        learning_rate=0.3,
    )
    text = "\n".join(recipe_lines(recipe))
    for part in (
        "learning rate 0.3",
        "random crops of 35% of the area",
        "shifts of up to 2 pixels",
        "flips",
        "RandAugment",
        "cutout of 4 pixels",
        "random erasing (0.25)",
        "mixup (α 0.2)",
        "cutmix (α 1)",
        "label smoothing 0.1",
        "gradients clipped at 1",
        "balanced class weights",
        "stop after 5 epochs",
    ):
        assert part in text, part


def test_the_short_training_of_a_search_says_that_all_is_off() -> None:
    spec = train_spec("resnet18", {"data": "digits", "recipe": "search"})
    assert list(recipe_lines(spec.training))[1:] == ["images: as they are", "also: nothing"]
    assert spec.training.epochs == 5


def test_a_start_names_what_fits_and_what_does_not() -> None:
    found = FittedWeights(
        ("a", "b"), (Misfit("head.weight", (10, 8), (1000, 8)),), tuple(f"n{i}" for i in range(6)), ("extra",)
    )
    assert list(init_lines("w.pt", found)) == [
        "init: 2 tensors of w.pt fit",
        "init: of another shape: head.weight (wanted (10, 8), got (1000, 8))",
        "init: not in the file: n0, n1, n2, n3 and 2 more",
        "init: not in the network: extra",
    ]


def test_an_early_end_is_named(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    metrics = {**(run.metrics or {}), "epochs": 4}
    run = run.write(spec={**run.spec, "epochs": 9, "patience": 3}, metrics=metrics)
    first, last = closing(run)
    assert first == "stopped after epoch 4: no better accuracy in 3 epochs"
    assert last.startswith("kept: epoch 1, validation accuracy 0.1000 (balanced 0.1000), raw weights")
