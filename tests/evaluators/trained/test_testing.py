"""A look at the test images, and what the run remembers of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluators.trained.classifier import Classifier
from evaluators.trained.run_folder import BEST, open_run, save_weights
from evaluators.trained.testing import look_at, looks_at_weights, remember
from results.look import Look
from space.errors import InputError
from tests.evaluators.trained.made_run import made_run


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    run = made_run(tmp_path_factory.mktemp("look") / "run")
    return look_at(run, run.images())


def test_the_look_is_at_the_test_split(tmp_path: Path, look: Look) -> None:
    run = made_run(tmp_path / "run")
    images = run.images()
    guessed = Classifier(run).logits(images.images, images.test).argmax(1)
    assert look.figures.images == len(images.test)
    assert look.figures.accuracy.value == np.mean(guessed == images.labels[images.test])
    assert look.names == images.classes
    assert open_run(run.folder).tests == ()


def test_looks_are_counted_by_run_and_by_weights(tmp_path: Path, look: Look) -> None:
    run = made_run(tmp_path / "run")
    once = remember(run, look, "nascale test run")
    (test,) = open_run(run.folder).tests
    assert test["accuracy"] == look.figures.accuracy.value and test["low"] == look.figures.accuracy.low
    assert test["images"] == 359 and test["command"] == "nascale test run" and test["created"]
    assert test["weights"] == hashlib.sha256((run.folder / BEST).read_bytes()).hexdigest()
    assert looks_at_weights(once) == 1
    save_weights(run.folder / BEST, {name: 2 * t for name, t in run.weights().items()})
    # ``run`` knows of no look: what another process wrote in between is kept.
    twice = remember(run, look, "nascale test run")
    assert len(twice.tests) == 2 and looks_at_weights(twice) == 1


def test_images_without_a_test_split_are_refused(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    images = replace(run.images(), test=np.empty(0, np.int64))
    with pytest.raises(InputError, match="RUN: wanted a run whose images have a labelled test split"):
        look_at(run, images)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_look_that_cannot_be_recorded_is_refused(tmp_path: Path, look: Look) -> None:
    run = made_run(tmp_path / "run")
    run.folder.chmod(0o500)
    try:
        with pytest.raises(InputError, match="RUN: wanted a path that can be written"):
            remember(run, look, "nascale test run")
    finally:
        run.folder.chmod(0o700)
    assert open_run(run.folder).tests == ()
