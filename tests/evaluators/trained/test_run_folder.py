"""The folder of a training."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluators.trained.run_folder import BEST, RUN, open_run
from space.errors import InputError
from tests.evaluators.trained.made_run import made_run


def test_a_run_comes_back_as_it_was_written(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert open_run(tmp_path / "run") == run
    assert run.write(finished=False) == open_run(tmp_path / "run")


def test_the_network_of_a_run_has_its_weights(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    network, weights = run.network(), run.weights()
    assert not network.training
    assert set(network.state_dict()) == set(weights)
    assert all(torch.equal(network.state_dict()[name], weights[name]) for name in weights)


def test_the_images_of_a_run_are_those_it_was_trained_on(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert run.images().describe() == run.described


def test_other_images_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "other.npz",
        x_train=rng.integers(0, 255, (60, 8, 8, 1), dtype=np.uint8),
        y_train=np.arange(60) % 10,
    )
    with pytest.raises(InputError, match=r"data: wanted the images that .* was trained on"):
        run.images(f"npz:{tmp_path / 'other.npz'}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "wanted a folder that nascale train made"),
        (b"{", "wanted a run.json that is whole"),
        (b"{}", "wanted a run.json that nascale train wrote"),
        (b"[]", "wanted a run.json that nascale train wrote"),
        (b'{"format": 99}', "wanted a run of format 1, got 99"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / RUN).write_bytes(content)
    with pytest.raises(InputError, match=f"RUN: {message}"):
        open_run(tmp_path)


def test_cut_off_weights_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    whole = (run.folder / BEST).read_bytes()
    (run.folder / BEST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="RUN: wanted a run with the weights"):
        run.weights()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_run_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    run.folder.chmod(0o500)
    with pytest.raises(InputError, match="--out"):
        run.write(finished=False)
    run.folder.chmod(0o700)
    assert json.loads((run.folder / RUN).read_bytes())["finished"] is True
