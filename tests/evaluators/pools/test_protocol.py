"""The settings of a pool check themselves, and say which of them are flags."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from evaluators.pools.protocol import PoolSettings
from space.errors import InputError
from space.setting import changeable


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": -1},
        {"workers": 1.5},
        {"workers": 2, "cpus_per_trial": 0},
        {"workers": 2, "retries": -1},
        {"workers": 2, "trial_timeout": -1},
        {"workers": 2, "gpus_per_trial": -0.5},
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=list(settings)[-1]):
        PoolSettings(**settings)


def test_every_flag_of_a_pool_may_change_when_a_study_goes_on() -> None:
    flags = [item for item in fields(PoolSettings) if "help" in item.metadata]
    assert [item.name for item in fields(PoolSettings) if item not in flags] == [
        "memory_bytes",
        "patience",
    ]
    assert changeable(PoolSettings) == {item.name for item in flags}
