"""The file of a training: what its name depends on, damaged files, folders that cannot be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.training import TrainEvaluator
from space.errors import InputError
from space.search_space import SearchSpace
from tests.evaluators.supernet.tiny import SPACE, network, supernet


def test_a_kept_training_is_of_its_seed_recipe_space_and_limits(
    trainer: TrainEvaluator, tmp_path: Path
) -> None:
    one = trainer.with_recipe(epochs=1)
    other_space = SearchSpace("tiny", SPACE.decisions[:2], lambda d: network(int(d["expansion"])))
    supernet(one).prepare((0, 1), folder=tmp_path)
    supernet(one.with_recipe(learning_rate=0.01)).prepare((0,), folder=tmp_path)
    supernet(one, limits={"params": 2000}).prepare((0,), folder=tmp_path)
    SupernetEvaluator(one, other_space, statistics_images=128).prepare((0,), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    supernet(replace(one, score="loss")).prepare(
        (0,), folder=tmp_path
    )  # the same weights, looked at otherwise
    assert len(list(tmp_path.iterdir())) == 5


def test_a_damaged_file_is_trained_anew(trainer: TrainEvaluator, tmp_path: Path) -> None:
    evaluator = supernet(trainer.with_recipe(epochs=1))
    evaluator.prepare((0,), folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    seen: list[int] = []
    evaluator.prepare((0,), folder=tmp_path, report=lambda epoch, *_: seen.append(epoch))
    assert seen == [1]


def test_a_folder_that_cannot_be_written_is_named(trainer: TrainEvaluator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="NASCALE_CACHE"):
        supernet(trainer.with_recipe(epochs=1)).prepare((0,), folder=tmp_path / "file" / "below")


def test_the_name_of_the_file_is_that_of_earlier_versions(trainer: TrainEvaluator, tmp_path: Path) -> None:
    """A finished training is found again by a later version, or it is repeated for nothing."""
    assert (
        supernet(trainer.with_recipe(epochs=1)).kept_in(tmp_path, 0).name
        == "supernet-7dd3f3cf48a4fdbeacbe.pt"
    )
