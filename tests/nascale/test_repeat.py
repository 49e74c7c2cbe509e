"""The command that repeats a search is one that the command line takes, and means the same search."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from nascale.architectures import resolve
from nascale.commands.scale_search import command as scale_search
from nascale.commands.search import command as search
from nascale.repeat import arch_text, repeat_command
from nascale.scaling_run import scaling_spec
from nascale.scaling_spec import ScalingSpec
from nascale.spec import SearchSpec, read_spec
from space.architecture import Architecture
from space.setting import declared

MINE = {"name": "mine", "families": ["mbconv"], "stages": [{"channels": 16, "depths": [0, 1]}]}


def again(spec: SearchSpec) -> SearchSpec:
    """The spec of the printed command, under the name and in the storage of the first."""
    words = shlex.split(repeat_command(spec.study, spec.as_dict()))
    assert words[:2] == ["nascale", "search"]
    options = search.make_context("search", words[2:]).params
    del options["quiet"], options["spec"], options["recover"]
    assert options["study"] == f"{spec.study}-again"
    return read_spec(None, options).replace(study=spec.study, storage=spec.storage)


def scaled_again(spec: ScalingSpec) -> ScalingSpec:
    words = shlex.split(repeat_command(spec.study, spec.as_dict()))
    assert words[:3] == ["nascale", "scale", "search"]
    options = scale_search.make_context("search", words[3:]).params
    given = {
        name: value for name, value in options.items() if name in declared(ScalingSpec) and value is not None
    }
    return scaling_spec(resolve(options["arch"]), given).replace(study=spec.study, storage=spec.storage)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"max_macs": "1234567", "max_latency": 0.00812345678, "learning_rate": 0.1234567891, "flip": True},
        {"objective": "mnas", "target": 123456789.125, "exponent": -0.0712345, "trials": 12_345_678},
        {"objective": ["accuracy", "macs", "params"], "sampler": "nsga2", "data": "folder:my images"},
        {"evaluator": "supernet", "epochs": 7, "trial_timeout": "15min", "workers": 0, "momentum": 0.85},
        {"space": MINE, "pruner": "halving", "rungs": "epochs=1,3", "compile": True},
    ],
)
def test_a_search_is_repeated_exactly(keys: dict[str, Any]) -> None:
    spec = SearchSpec.of(**keys)
    assert again(spec) == spec


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"method": "law", "most": 9, "narrow": 0.123456789, "seeds": "0..4"},
        {"growth": 1.7320508075688772, "clip": 1.5},
    ],
)
def test_a_scaling_study_is_repeated_exactly(keys: dict[str, Any]) -> None:
    spec = scaling_spec(resolve("resnet18@width=0.125"), {"resolution": 17, **keys})
    assert scaled_again(spec) == spec


def test_a_network_is_named_if_the_name_means_it_and_written_out_otherwise() -> None:
    known = resolve("resnet18@width=0.125")
    assert arch_text(known.replace(resolution=17, classes=3, in_channels=1)) == known.name
    other = known.replace(stages=known.stages[:2])
    assert resolve(arch_text(other)) == other
    nameless: Architecture = other.replace(name="")
    assert resolve(arch_text(nameless)) == nameless


def test_what_the_first_version_stored_of_a_scaling_study_gives_a_command_that_is_taken() -> None:
    spec = scaling_spec(resolve("resnet18@width=0.125"), {"epochs": 1, "step": 0.2})
    old = spec.as_dict() | {
        "table": None,
        "cost": "macs",
        "max_macs": None,
        "latency_batch": 1,
        "pruner": "none",
    }
    del old["most"], old["narrow"]
    words = shlex.split(repeat_command("s", old))
    options = scale_search.make_context("search", words[3:]).params
    assert (options["step"], options["epochs"], options["arch"]) == (0.2, 1, "resnet18@width=0.125")
