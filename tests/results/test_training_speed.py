"""How fast networks were trained here: which of the stored trials say it, and what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from results.attributes import named
from results.training_speed import training_seconds
from results.trial_result import Status, TrialResult
from tests.factories import stored_study

HERE = "here"
FULL = {"epochs": 4, "fraction": 0.5, "resolution": None, "width": 1.0}
TRAINED = TrialResult(
    number=-1, key="k", costs={"macs": 1e6}, status=Status.OK, seconds=10.0, epochs=4, worker=f"{HERE}:71", fidelity=FULL
)  # fmt: skip


def store(url: str, name: str, *trials: TrialResult, spec: Mapping[str, Any] | None = None) -> None:
    """A study on 1000 training images with these trials."""
    study = optuna.create_study(study_name=name, storage=url)
    provenance = {"data": {"splits": {"train": {"images": 1000}}}}
    for key, value in named({"spec": spec or {"evaluator": "train"}, "provenance": provenance}).items():
        study.set_user_attr(key, value)
    for trial in trials:
        told = {**trial.attributes(), **trial.result_attributes()}
        values = [0.5] if trial.state == "COMPLETE" else None
        study.add_trial(create_trial(state=TrialState[trial.state], values=values, user_attrs=told))
    study._storage.remove_session()


def test_seconds_are_those_per_mac_image_and_epoch(database: str) -> None:
    url = database
    store(url, "one", TRAINED, TRAINED.replace(seconds=30.0, epochs=2))
    # 1M MACs, half of 1000 images: 10 s in 4 epochs are 5e-9 s each, 30 s in 2 are 3e-8.
    assert training_seconds(HERE, url) == pytest.approx([3e-8, 5e-9])


def test_trials_that_do_not_say_it_are_left_out(database: str) -> None:
    url = stored_study(database, 12)  # its images are not described
    store(
        url,
        "other",
        TRAINED.replace(worker="elsewhere:71"),
        TRAINED.replace(worker="inline"),
        TRAINED.replace(status=Status.REUSED, seconds=0.0),
        TRAINED.replace(status=Status.PRUNED),
        TRAINED.replace(status=Status.FAILED),
        TRAINED.replace(fidelity=FULL | {"resolution": 16}),
        TRAINED.replace(fidelity=FULL | {"width": 0.5}),
        TRAINED.replace(costs={}),
    )
    store(url, "table", TRAINED, spec={"evaluator": "table"})
    assert training_seconds(HERE, url) == []
