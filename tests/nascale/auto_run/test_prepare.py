"""What is searched, and what the longer trainings are judged by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nascale.auto_run.prepare import PreparedAuto, prepare
from nascale.auto_run.spec import auto_spec
from nascale.auto_run.state import Finalist, State
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv
from space.codec import from_json, to_json
from space.cost import costs
from space.errors import InputError


def prepared(folder: Path, **options: Any) -> PreparedAuto:
    given = {"data": "digits", "max_macs": 1_000_000, "workers": 1, "stock": "resnet18", **options}
    return prepare(auto_spec(given, within=120.0, out=folder, threads=1))


@pytest.mark.parametrize(
    ("objective", "searched", "merit"),
    [
        (None, "timed_accuracy", "accuracy"),
        ("accuracy", "accuracy", "accuracy"),
        ("balanced_accuracy", "balanced_accuracy", "balanced_accuracy"),
    ],
)
def test_networks_are_searched_for_equal_time_unless_asked_otherwise(
    tmp_path: Path, objective: str | None, searched: str, merit: str
) -> None:
    work = prepared(tmp_path / "out", objective=objective)
    assert (work.spec.search.objective, work.searched_merit, work.merit) == (searched, searched, merit)
    assert "objective" not in work.state.request or objective is not None


def test_the_last_trainings_learn_from_validation_images_unless_these_are_all_that_judges(
    tmp_path: Path,
) -> None:
    work = prepared(tmp_path / "out")
    assert work.more_images == {"trained_validation": 0.8}
    untested = replace(work.images, test=work.images.test[:0])
    assert replace(work, images=untested).more_images == {}
    for share, options in ((0.0, {}), (0.5, {"trained_validation": 0.5})):
        chosen = replace(work.spec, trained_validation=share)
        assert replace(work, spec=chosen).more_images == options
        assert chosen.request["trained_validation"] == share
    assert "trained_validation" not in work.spec.request
    with pytest.raises(InputError, match=r"--trained-validation: wanted a share in \[0, 1\), got 1"):
        auto_spec({"data": "digits"}, within=120.0, out=tmp_path, threads=1, trained_validation=1.0)


def test_work_of_the_version_before_goes_on_with_its_own_objective(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for kept, wanted in ((True, "timed_accuracy"), (False, "accuracy")):
        state = prepared(out).state
        state.decisions["begun"] = 1.0
        if not kept:
            del state.decisions["objective of the search"]
        out.mkdir(exist_ok=True)
        state.write(1.0)
        assert State.read(out) is not None
        assert prepared(out).spec.search.objective == wanted


def test_a_found_network_is_made_as_wide_as_the_budgets_allow(tmp_path: Path) -> None:
    work = prepared(tmp_path, space="mbconv")
    network = Architecture(
        stem=(Conv(8, 3),),
        stages=(Stage((MBConv(8), MBConv(8))), Stage((MBConv(16, stride=2),))),
        head=(GlobalPool(), Dense()),
        resolution=8,
        classes=10,
        in_channels=1,
    )
    path = tmp_path / "small.json"
    path.write_text(to_json(network))
    small = Finalist(
        "trial 3", str(path), False, 0.5, 0.5, 2, 1.0, costs(network).macs, costs(network).params
    )
    wide = work.widened(small, 2e6)
    assert wide is not None and wide.name.startswith("trial 3@width=") and not wide.stock
    made = from_json(Path(wide.arch).read_text())
    assert [len(stage.blocks) for stage in made.stages] == [2, 1] and made.resolution == 8
    assert made.name.startswith("small@width=")
    assert small.macs < costs(made).macs == wide.macs <= 1_000_000 and wide.macs > 800_000
    assert (wide.score, wide.measurements) == (0.5, 2)
    assert work.widened(wide, 2e6) is None
    shorter = work.widened(small, 500_000)
    assert shorter is not None and 400_000 < shorter.macs <= 500_000
    assert work.widened(small, small.macs) is None


@pytest.mark.parametrize("more", [{"objective": "mnas", "target": 500_000.0}, {"max_latency": 1.0}])
def test_a_network_stays_as_it_is_where_its_cost_counts_otherwise(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    work = prepared(tmp_path / "out", **more)
    assert work.widened(work.stock[0], 2e6) is None
