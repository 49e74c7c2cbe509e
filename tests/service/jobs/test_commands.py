"""From specs to command lines: what is taken, what is refused, and that nothing in one is a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nascale.spec import read_spec
from service.jobs.commands import command_line, command_of
from service.jobs.errors import NoSuchJob
from service.jobs.job import JobKind
from service.jobs.options import NAMED, REFUSED, TEXTS, checked, keys_of, options_of
from service.jobs.plans import plan, submit
from service.jobs.resources import Resources
from service.jobs.store import JobStore
from space.errors import InputError, UnknownNameError

BENCHES = ("samplers", "proxies", "spaces")
KINDS = [(kind, {}) for kind in JobKind if kind is not JobKind.BENCH] + [
    (JobKind.BENCH, {"bench": bench}) for bench in BENCHES
]


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    folder = tmp_path_factory.mktemp("commands")
    store = JobStore(f"sqlite:///{folder / 'studies.db'}", folder / "jobs")
    yield Resources(store, {"pets": "folder:/data/pets", "cells": "table:/data/cells.toml"})
    store.close()


def line(resources: Resources, kind: JobKind, spec: Mapping[str, Any]) -> list[str]:
    return list(command_line(submit(resources, kind, spec)[0], resources).arguments)


def test_a_search_has_its_options_and_a_study_of_its_own(resources: Resources) -> None:
    spec = {"data": "pets", "trials": 12, "max_macs": "5M", "flip": False, "skip_bad": True, "window": None}
    job, _ = submit(resources, JobKind.SEARCH, spec)
    found = command_line(job, resources)
    assert found.arguments[0] == "search"
    assert set(found.arguments[1:]) == {
        *("--data=folder:/data/pets", "--trials=12", "--max-macs=5M", "--no-flip", "--skip-bad"),
        f"--study={job.study}",
    }
    assert job.study is not None
    assert re.fullmatch(r".+-folder-.+-[0-9a-f]{6}", job.study)
    assert found.environment == {"NASCALE_STORAGE": resources.storage}
    assert job.cores == 2


def test_a_study_that_is_named_keeps_its_name(resources: Resources) -> None:
    assert (
        plan(JobKind.SEARCH, {"study": "mine", "workers": 3, "cpus_per_trial": 2}, resources).study == "mine"
    )
    assert plan(JobKind.SEARCH, {"study": "mine", "workers": 3, "cpus_per_trial": 2}, resources).cores == 6
    assert plan(JobKind.SEARCH, {"workers": 0}, resources).cores == 1


def test_the_command_line_says_what_the_spec_says(resources: Resources) -> None:
    spec = {"study": "-- --debug", "sampler": "tpe", "repeats": 3, "learning_rate": 0.1, "max_latency": "8ms"}
    _, command = command_of(JobKind.SEARCH, spec)
    found = line(resources, JobKind.SEARCH, spec)
    with command.make_context("search", found[1:]) as context:
        options = {
            name: value for name, value in context.params.items() if name not in ("quiet", "recover", "spec")
        }
    assert read_spec(None, options) == read_spec(None, {**spec, "storage": resources.storage}).replace(
        storage=read_spec(None, options).storage
    )


def test_what_is_written_lies_below_the_folder_of_the_job(resources: Resources) -> None:
    job, _ = submit(
        resources, JobKind.TRAIN, {"arch": "mobilenet_v2@width=0.5", "data": "digits", "threads": 1}
    )
    folder = resources.store.folder_of(job.id)
    found = command_line(job, resources).arguments
    assert found[0] == "train"
    assert f"--out={folder / 'out'}" in found
    assert found[-2:] == ("--", "mobilenet_v2@width=0.5")
    assert job.study is None
    assert job.cores == 1
    folder.joinpath("out").mkdir(parents=True)
    assert line(resources, JobKind.EXPORT, {"job": job.id, "to": "onnx", "int8": True})[-1] == str(
        folder / "out"
    )


def test_a_table_is_named_in_a_spec_file_of_the_job(resources: Resources) -> None:
    job, _ = submit(
        resources, JobKind.BENCH, {"bench": "samplers", "table": "cells", "repeats": 2, "jobs": 1}
    )
    found = command_line(job, resources)
    assert found.files == {"spec.toml": 'table = "/data/cells.toml"\n'}
    assert found.arguments[-1] == str(resources.store.folder_of(job.id) / "spec.toml")
    assert f"--output={resources.store.folder_of(job.id) / 'result.json'}" in found.arguments


def test_spaces_of_a_bench_come_last(resources: Resources) -> None:
    found = line(
        resources, JobKind.BENCH, {"bench": "spaces", "spaces": ["mbconv", "nas-bench-201"], "study": "s"}
    )
    assert found[:2] == ["bench", "spaces"]
    assert found[-3:] == ["--", "mbconv", "nas-bench-201"]
    assert "--study=s" in found


def test_a_cluster_is_that_of_the_service(resources: Resources) -> None:
    cluster = Resources(resources.store, {}, ray_address="head:6379")
    assert "--ray-address=head:6379" in line(cluster, JobKind.SEARCH, {"workers": 64})
    assert plan(JobKind.SEARCH, {"workers": 64}, cluster).cores == 1


@pytest.mark.parametrize(
    ("kind", "spec", "names"),
    [
        (JobKind.SEARCH, {"storage": "sqlite:////etc/x"}, "storage"),
        (JobKind.SEARCH, {"recover": "x.jsonl"}, "recover"),
        (JobKind.SEARCH, {"spec": "x.toml"}, "'spec'"),
        (JobKind.SEARCH, {"trails": 3}, "nearest: trials"),
        (JobKind.SEARCH, {"trials": "many"}, "spec.trials"),
        (JobKind.SEARCH, {"trials": True}, "spec.trials"),
        (JobKind.SEARCH, {"trials": 2.5}, "spec.trials"),
        (JobKind.SEARCH, {"flip": 1}, "spec.flip"),
        (JobKind.SEARCH, {"sampler": ["tpe"]}, "spec.sampler"),
        (JobKind.SEARCH, {"sampler": "best"}, "sampler"),
        (JobKind.SEARCH, {"max_macs": "5 apples"}, "max-macs|max_macs"),
        (JobKind.SEARCH, {"study": "a\0b"}, "spec.study"),
        (JobKind.SEARCH, {"study": "\ud800"}, "spec.study"),
        (JobKind.SEARCH, {"study": ""}, "spec.study"),
        (JobKind.SEARCH, {"data": "folder:/etc"}, "spec.data"),
        (JobKind.SEARCH, {"data": "cells"}, "spec.data"),
        (JobKind.SEARCH, {"table": "/data/cells.toml"}, "spec.table"),
        (JobKind.SEARCH, {"space": "/etc/space.toml"}, "spec.space"),
        (JobKind.SEARCH, {"space": "space.TOML"}, "spec.space"),
        (JobKind.SEARCH, {"space": {"no": "space"}}, "space"),
        (JobKind.AUTO, {"data": "digits", "within": "10min"}, "max-macs"),
        (JobKind.AUTO, {"data": "digits", "max_macs": 1e6, "study": "x"}, "study"),
        (JobKind.AUTO, {"data": "digits", "max_macs": 1e6, "trained_validation": 1.5}, "trained-validation"),
        (JobKind.TRAIN, {"arch": "alexnet", "data": "digits", "keep": "worst"}, "keep"),
        (JobKind.TRAIN, {"arch": "net.json", "data": "digits"}, "spec.arch"),
        (JobKind.TRAIN, {"arch": "/etc/NET.JSON", "data": "digits"}, "spec.arch"),
        (JobKind.TRAIN, {"arch": "nonet", "data": "digits"}, "nonet"),
        (JobKind.TRAIN, {"arch": {"study": "none", "trial": 1}}, "none"),
        (JobKind.TRAIN, {"arch": {"study": "none", "trial": True}}, "spec.arch"),
        (JobKind.TRAIN, {"data": "digits"}, "spec.arch"),
        (JobKind.TRAIN, {"arch": "lenet", "data": "digits", "init": "w.pt"}, "init"),
        (JobKind.TRAIN, {"arch": "lenet", "data": "digits", "teacher": "w.pt"}, "teacher"),
        (JobKind.TRAIN, {"arch": "lenet", "data": "digits", "out": "/tmp"}, "out"),
        (JobKind.VERIFY, {"study": "none"}, "none"),
        (JobKind.VERIFY, {}, "spec.study"),
        (JobKind.EXPORT, {"job": "../../etc"}, "job"),
        (JobKind.EXPORT, {"job": None}, "spec.job"),
        (JobKind.BENCH, {}, "spec.bench"),
        (JobKind.BENCH, {"bench": "samplers"}, "spec.table"),
        (JobKind.BENCH, {"bench": "proxies", "study": "/etc/passwd"}, "passwd"),
        (JobKind.BENCH, {"bench": "spaces", "spaces": ["a.toml"]}, "spec.spaces"),
        (JobKind.BENCH, {"bench": "spaces", "spaces": "mbconv"}, "spec.spaces"),
    ],
)
def test_what_a_client_may_not_say_is_refused_in_one_line(
    resources: Resources, kind: JobKind, spec: dict[str, Any], names: str
) -> None:
    with pytest.raises(InputError, match=names) as caught:
        plan(kind, spec, resources)
    assert "\n" not in str(caught.value)


def test_a_job_that_trained_nothing_is_not_exported(resources: Resources) -> None:
    search, _ = submit(resources, JobKind.SEARCH, {})
    with pytest.raises(InputError, match="trained"):
        plan(JobKind.EXPORT, {"job": search.id}, resources)
    with pytest.raises(NoSuchJob):
        plan(JobKind.EXPORT, {"job": "nojob"}, resources)


def test_the_options_of_auto_alone_can_be_said(resources: Resources) -> None:
    own = {
        "data": "digits",
        "max_macs": 1e6,
        "auto_augment": "none",
        "trained_validation": 0.5,
        "within": "5min",
    }
    plan(JobKind.AUTO, own, resources)
    found = line(resources, JobKind.AUTO, own)
    assert {"--auto-augment=none", "--trained-validation=0.5"} <= set(found)


@pytest.mark.parametrize(("kind", "spec"), KINDS)
def test_every_option_was_looked_at(kind: JobKind, spec: dict[str, str]) -> None:
    """An option that may name a place is refused, or led there by a name; an option of text is known to be none."""
    _, command = command_of(kind, spec)
    for key, option in options_of(command).items():
        assert (key in keys_of(command)) != (key in REFUSED), f"{kind} {key}: look whether it takes a path"
        if isinstance(option.type, click.Path):
            assert key in REFUSED | NAMED
    assert not TEXTS & REFUSED


# The first text that is drawn has hypothesis read its table of letters.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    spec=st.dictionaries(
        st.sampled_from(sorted(TEXTS | {"trials", "flip", "max_macs"})),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_value_is_an_argument_or_an_input_error(spec: dict[str, Any]) -> None:
    _, command = command_of(JobKind.SEARCH, {})
    try:
        found = checked(command, spec, frozenset())
    except UnknownNameError:
        assert set(spec) - set(keys_of(command))
    except InputError:
        pass
    else:
        assert set(found) <= set(spec)
