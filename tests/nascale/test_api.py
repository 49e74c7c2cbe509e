"""The Python API returns values: studies, frames, costs, architectures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import nascale


def test_search_in_this_process_then_front_and_trials(database: str) -> None:
    study = nascale.search(
        space="mbconv",
        sampler="random",
        data="digits",
        trials=2,
        epochs=1,
        fraction=0.2,
        max_macs="400K",
        workers=0,
        storage=database,
    )
    frame = nascale.trials(study)
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 2
    assert (frame["macs"] <= 400_000).all()
    front = nascale.front(study)
    assert 1 <= len(front) <= 2
    assert front["accuracy"].is_monotonic_decreasing
    best = nascale.architecture(f"{study.name}:{front['number'].iloc[0]}", study.storage)
    assert nascale.profile(best).macs == front["macs"].iloc[0]
    assert nascale.profile(nascale.scale(best, phi=1)).macs > front["macs"].iloc[0]


def test_profile_and_scale_of_known_networks() -> None:
    # Tan & Le 2019 by the released code's rounding: space/zoo/efficientnet.py's sources.
    assert nascale.profile("efficientnet_b0").params == 5_288_548
    grown = nascale.scale("efficientnet_b0", width=1.1, depth=1.2, resolution=260)
    assert nascale.profile(grown).macs == nascale.profile("efficientnet_b2").macs
    assert nascale.scale("resnet50", phi=0) == nascale.architecture("resnet50")


def test_bad_settings_are_named_before_anything_is_written(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/studies.db"
    with pytest.raises(nascale.InputError, match="nearest: sampler"):
        nascale.search(smapler="tpe", storage=storage)
    with pytest.raises(nascale.InputError, match="max_macs: wanted a positive number"):
        nascale.search(max_macs="fast", storage=storage)
    with pytest.raises(nascale.InputError, match="storage"):
        nascale.search(storage="memory")
    with pytest.raises(nascale.InputError, match="either phi"):
        nascale.scale("efficientnet_b0", phi=1, width=2)
    assert list(tmp_path.iterdir()) == []


def test_a_family_has_a_network_for_each_budget() -> None:
    small, large = nascale.family("resnet18@resolution=64", ["300M", 6e8], max_resolution=72)
    assert 0.97 * 3e8 <= nascale.profile(small).macs <= 3e8 < nascale.profile(large).macs <= 6e8
    assert small.resolution <= large.resolution <= 72 and large.name.endswith("600M")
    with pytest.raises(nascale.InputError, match="measure: no such name 'speed'"):
        nascale.family("resnet18", ["1G"], measure="speed")
