"""A training that has no room is refused before it starts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from evaluators.full_recipe import FullRecipe
from evaluators.images.image_set import ImageSet
from evaluators.trainer import room
from evaluators.trainer.checkpoint import write_checkpoint
from space.cost import costs
from space.errors import InputError
from space.zoo import architecture
from tests.evaluators.test_training import NET
from tests.evaluators.trainer.test_full_training import training


def test_the_disk_holds_two_checkpoints_and_two_best_weights(
    digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = architecture("resnet18@width=0.25,resolution=32,classes=10,in_channels=1")
    recipe = FullRecipe(optimizer="adamw")
    weights = 4 * costs(network).params
    one = training(digits, network, optimizer="adamw")
    one.advance()
    write_checkpoint(tmp_path / "c.pt", one.state())
    needed = 2 * ((tmp_path / "c.pt").stat().st_size + weights)

    def free(count: float) -> None:
        monkeypatch.setattr(room.shutil, "disk_usage", lambda path: SimpleNamespace(free=count))

    free(needed * 1.1 + 2**20)
    room.check_disk(tmp_path / "not" / "yet", network, recipe)
    free(needed * 0.9)
    with pytest.raises(InputError, match=r"--out: wanted \d+ MiB of free disk for checkpoints"):
        room.check_disk(tmp_path / "not" / "yet", network, recipe)


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    device, recipe = torch.device("cpu"), FullRecipe(batch_size=64)
    needed = costs(NET, batch=64, optimizer="momentum").training_bytes
    monkeypatch.setattr(room, "free_bytes", lambda device: needed)
    room.check_memory(NET, recipe, device)
    monkeypatch.setattr(room, "free_bytes", lambda device: needed - 1)
    with pytest.raises(InputError, match=r"batch_size: wanted .* got '64 images, which need about"):
        room.check_memory(NET, recipe, device)


def test_a_folder_with_other_files_is_no_place_for_a_run(tmp_path: Path) -> None:
    room.check_folder(tmp_path / "new" / "run")
    (tmp_path / "last").mkdir()
    (tmp_path / ".run.x.json").write_text("")
    room.check_folder(tmp_path)  # as a kill before run.json leaves it
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(
        InputError, match=r"new or empty folder, or a run to go on with, got .* with notes.txt"
    ):
        room.check_folder(tmp_path)
