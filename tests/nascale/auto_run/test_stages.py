"""The stages on a clock of their own: how the time is spent, what is decided, and that every kill is gone on from."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nascale.auto_run import state as state_module
from nascale.auto_run.augmentation import STRONGER, UNFLIPPED, Options
from nascale.auto_run.clock import Clock
from nascale.auto_run.plan import Fidelity
from nascale.auto_run.stages import Stages
from nascale.auto_run.state import FILE, State
from nascale.auto_run.verdict import Longer, of_more_time
from nascale.auto_run.work import Found
from tests.nascale.auto_run.fake_work import EPOCHS, IMAGES, FakeWork, Killed, finalist

FOUND = {"trial 1": 0.9, "trial 2": 0.7, "trial 3": 0.65, "trial 4": 0.6, "stock a": 0.8, "stock b": 0.75}
STOCK = FOUND | {"trial 1": 0.7, "stock b": 0.92}


def worked(work: FakeWork, within: float, request: Options | None = None) -> State:
    """The state after ``work``, gone on with where there is one."""
    state = State.read(work.folder) or State(work.folder, dict(request or {}), within)
    work.clock = Clock(state.spent_seconds, lambda: work.time)
    stages = Stages(work, state, work.clock, lambda text: None)
    work.beat = stages.beat
    return stages.run()


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes as often as an hour would, for its length: files take their time."""
    monkeypatch.setattr(state_module, "_BEAT", 10.0)


@pytest.mark.parametrize("within", [120, 300, 1200, 3600])
@pytest.mark.parametrize("slow", [0.8, 1.0, 1.2])
def test_the_time_is_kept(tmp_path: Path, within: float, slow: float) -> None:
    work = FakeWork(tmp_path, FOUND, slow)
    state = worked(work, within)
    assert state.finished and state.spent_seconds == pytest.approx(work.time)
    assert 0.95 * within <= work.time <= 1.05 * within
    assert sum(state.spent.values()) == pytest.approx(work.time)
    assert sum(state.planned.values()) == pytest.approx(within)


MORE: Options = {"trained_validation": 0.8}


def test_the_final_learns_from_validation_images_where_it_has_time(tmp_path: Path) -> None:
    work = FakeWork(tmp_path, FOUND)
    work.more_images, work.each = MORE, 1.0
    state = worked(work, 1200)
    final = {one["name"]: one["final"] for one in state.candidates if one.get("final")}
    assert final.keys() == {"trial 1", "stock a"}
    assert all(one["options"]["trained_validation"] == 0.8 for one in final.values())
    assert not any(
        "trained_validation" in path.name
        for path in (tmp_path / "trainings").iterdir()
        if not path.name.startswith("final")
    )
    assert any(
        line
        == "images: the last trainings learned from 80 % of the validation images too, as these had nothing to choose any "
        "more; the other 80 judged them"
        for line in state.sentences
    )
    assert any("of which the longer had more images too" in line for line in state.sentences)
    assert json.loads((tmp_path / "export").read_text())[0] == "trial 1"


@pytest.mark.parametrize(("within", "each"), [(1200, 30.0), (200, 0.1)])
def test_a_short_final_and_one_without_heats_leave_the_validation_images_alone(
    tmp_path: Path, within: float, each: float
) -> None:
    work = FakeWork(tmp_path, FOUND)
    work.more_images, work.each = MORE, each
    state = worked(work, within)
    assert state.decisions["more images"] == {}
    assert not any(line.startswith("images:") for line in state.sentences)
    asked = FakeWork(tmp_path / "asked", FOUND)
    asked.folder.mkdir()
    asked.more_images, asked.each = MORE, each
    assert worked(asked, within, MORE).decisions["more images"] == MORE


@pytest.mark.parametrize(("luck", "exported"), [(0.05, "trial 1"), (0.12, "stock a")])
def test_few_images_left_do_not_choose_against_the_many_before(
    tmp_path: Path, luck: float, exported: str
) -> None:
    """The found network is better by 0.01 in the heats, on five times as many images."""
    truth = FOUND | {"trial 1": 0.81, "stock a": 0.8}
    work = FakeWork(tmp_path, truth)
    work.more_images, work.each, work.luck = MORE, 1.0, {"stock a": luck}
    state = worked(work, 1200)
    assert state.exported is not None and state.exported["name"] == exported


def test_a_final_that_went_wrong_is_not_exported(tmp_path: Path) -> None:
    work = FakeWork(tmp_path, FOUND)
    work.more_images, work.each, work.luck = MORE, 1.0, {"trial 1": -0.5, "stock a": -0.5}
    state = worked(work, 1200)
    assert state.exported is not None and not state.exported["folder"].startswith("trainings/final")


def test_the_best_is_exported_and_compared_with_the_best_stock_network(tmp_path: Path) -> None:
    state = worked(work := FakeWork(tmp_path, FOUND), 600)
    assert json.loads((tmp_path / "export").read_text())[0] == "trial 1"
    assert state.worth_it == "yes" and state.difference is not None
    assert (state.difference["found"], state.difference["stock"]) == ("trial 1", "stock a")
    assert state.difference["low"] > 0.05 and state.test is not None and state.test["accuracy"] > 0.85
    assert sorted(work.looks) == ["trainings/final-stock a", "trainings/final-trial 1"]
    assert any(
        line.startswith(
            "worth it: yes: trial 1, the best found, differs from stock a, the best of 2 stock networks"
        )
        for line in state.sentences
    )
    assert work.reported == state.sentences[:-1]
    assert state.more_time is not None and state.more_time["value"] > 0
    final = {one["name"]: one.get("final") for one in state.candidates}
    assert final["trial 1"]["seconds"] == final["stock a"]["seconds"]


@pytest.mark.parametrize(
    ("stronger", "unflipped", "chosen"),
    [(0.72, 0.69, STRONGER), (1.2, 0.4, UNFLIPPED), (0.7, 0.4, STRONGER | UNFLIPPED), (1.4, 0.8, {})],
)
def test_the_final_has_the_augmentation_that_pays_by_then(
    tmp_path: Path, stronger: float, unflipped: float, chosen: Options
) -> None:
    work = FakeWork(tmp_path, FOUND)
    work.losses |= {"auto_augment": stronger, "flip": unflipped}
    state = worked(work, 3600)
    assert state.augmentation is not None and state.augmentation["chosen"] == chosen
    assert [one["loss"] for one in state.augmentation["tried"]] == [0.7, stronger, unflipped]
    final = {one["name"]: one.get("final") for one in state.candidates}
    assert final["trial 1"]["options"] == final["stock a"]["options"] == chosen
    (said,) = (line for line in state.sentences if line.startswith("augmentation: "))
    assert ("the usual for the last" in said) == (not chosen)


def test_what_more_time_brings_is_told_from_the_last_trainings(tmp_path: Path) -> None:
    """Not from those of a network before, which had other augmentation and ended sooner."""
    stages = ("augmentation", "final")
    paths = [tmp_path / "trainings" / f"{stage}-trial 1-auto_augment" for stage in stages]
    paths[0].parent.mkdir()
    paths[0].write_text("0.8 100")
    state = worked(FakeWork(tmp_path, FOUND), 3600)
    assert state.augmentation is not None and state.augmentation["chosen"] == STRONGER
    before, after = (float(path.read_text().split()[0]) for path in paths)
    right = [np.arange(IMAGES) < round(accuracy * IMAGES) for accuracy in (before, after)]
    expected = of_more_time([Longer(EPOCHS["augmentation"], EPOCHS["final"], *right)])
    assert expected is not None and expected.value > 0 and state.more_time == vars(expected)


def test_no_augmentation_is_tried_where_it_was_chosen_or_the_final_is_short(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    short = worked(FakeWork(tmp_path / "short", FOUND), 600)
    work = FakeWork(tmp_path, FOUND)
    work.augmentations = ()
    given = worked(work, 3600)
    assert short.augmentation is None and given.augmentation is None
    assert "augmentation" not in given.planned


def test_a_stock_network_that_wins_is_what_comes_out(tmp_path: Path) -> None:
    state = worked(FakeWork(tmp_path, STOCK), 600)
    assert json.loads((tmp_path / "export").read_text())[0] == "stock b"
    assert state.worth_it == "no" and state.difference is not None and state.difference["high"] < 0
    assert any("the search was not worth it" in line for line in state.sentences)


@pytest.mark.parametrize("truth", [FOUND, STOCK])
def test_every_kill_is_gone_on_from_to_the_same_end(tmp_path: Path, truth: Mapping[str, float]) -> None:
    (tmp_path / "whole").mkdir()
    whole = worked(FakeWork(tmp_path / "whole", truth), 600)
    moments = random.Random(1).sample(range(1, 100), 5)
    for number, moment in enumerate(moments):
        folder = tmp_path / str(number)
        folder.mkdir()
        exported: list[float] = []
        for kill in (moment, 100 - moment, None):
            work = FakeWork(folder, truth, kill=kill)
            try:
                state = worked(work, 600)
            except Killed:
                if (folder / "export").exists():
                    exported.append(json.loads((folder / "export").read_text())[1])
        assert exported == sorted(exported)
        assert state.finished and state.worth_it == whole.worth_it
        assert state.exported is not None and whole.exported is not None
        assert state.exported["name"] == whole.exported["name"]
        # What was decided is not decided again, and a kill forgets little of what was spent.
        assert state.spent_seconds == pytest.approx(600, rel=0.05)
        assert len(work.looks) <= 2


def test_a_finished_stage_is_not_worked_on_again(tmp_path: Path) -> None:
    worked(FakeWork(tmp_path, FOUND), 600)
    document = json.loads((tmp_path / FILE).read_text())
    state = State.read(tmp_path)
    assert state is not None and replace(state).finished
    assert document["decisions"]["fidelity"]["epochs"] == 5 and "until final" in document["decisions"]


def test_a_stock_network_that_is_exported_without_being_surely_better_is_said_so(tmp_path: Path) -> None:
    state = worked(FakeWork(tmp_path, FOUND | {"stock a": 0.901}), 600)
    assert state.worth_it == "no" and state.difference is not None and state.difference["high"] >= 0
    said = next(line for line in state.sentences if line.startswith("worth it: no"))
    assert "is what is exported: the search was not worth it" in said


def test_the_final_compares_with_the_best_stock_network_that_any_training_showed(tmp_path: Path) -> None:
    """The search ranks a network last that is the best once it has the same time as others, as the first stage had shown."""
    truth = FOUND | {"stock a": 0.85, "stock b": 0.6, "stock c": 0.7, "stock d": 0.65}
    work = FakeWork(tmp_path, truth)
    searched = work.search

    def search(how: Fidelity, until: float) -> Found:
        found = searched(how, until)
        late = sorted(found.networks, key=lambda one: one.name == "stock a")
        return replace(found, networks=late)

    work.search = search  # type: ignore[method-assign]
    state = worked(work, 600)
    assert "stock a" not in {one["name"] for one in state.decisions["heats networks"]}
    assert state.difference is not None and state.difference["stock"] == "stock a"


@pytest.mark.parametrize(
    ("within", "each", "widened"),
    [(3600, 2.0, True), (3600, 30.0, False), (600, 4.0, False), (200, 0.5, True)],
)
def test_found_networks_are_as_wide_as_the_budget_allows_where_the_final_is_long(
    tmp_path: Path, within: float, each: float, widened: bool
) -> None:
    work = FakeWork(tmp_path, FOUND | {"trial 1 wide": 0.95})
    work.each = each
    wide = replace(finalist("trial 1 wide", stock=False), macs=2000)
    work.wide = {"trial 1": wide, "stock a": replace(wide, name="stock wide")}
    searched = work.search

    def search(how: Fidelity, until: float) -> Found:
        found = searched(how, until)
        return replace(found, networks=[one for one in found.networks if one.name != wide.name])

    work.search = search  # type: ignore[method-assign]
    state = worked(work, within)
    assert state.difference is not None and state.difference["stock"] == "stock a"
    assert state.difference["found"] == ("trial 1 wide" if widened else "trial 1")
    (entry,) = (one for one in state.candidates if one["name"] == state.difference["found"])
    assert entry["final"]["epochs"] and entry["macs"] == (wide.macs if widened else 1000)
    # The heats compare what the final trains.
    assert ("heats" in entry) == (within > 240)


def test_longer_trainings_that_an_older_version_began_stay_as_narrow(tmp_path: Path) -> None:
    work = FakeWork(tmp_path, FOUND, kill=60)
    with pytest.raises(Killed):
        worked(work, 600)
    state = State.read(tmp_path)
    assert state is not None and "heats networks" in state.decisions and not state.finished
    del state.decisions["as wide"]
    state.write(state.spent_seconds)
    again = FakeWork(tmp_path, FOUND | {"trial 1 wide": 0.95})
    again.wide = {"trial 1": finalist("trial 1 wide", stock=False)}
    ended = worked(again, 600)
    assert ended.difference is not None and ended.difference["found"] == "trial 1"
