"""``nascale.auto``: the same as the command, as a function that returns what came of it."""

from __future__ import annotations

import pkgutil
import signal
from pathlib import Path

import pytest

import nascale
from nascale.auto_run import running
from nascale.auto_run.prepare import prepare
from nascale.auto_run.spec import auto_spec
from nascale.stopping import told_when_stopped

ASKED = {"max_macs": "200K", "resolution": 16, "seed": 3}


def finished(out: Path) -> None:
    """Work that was finished in ``out``, with the training of the network that it exported."""
    prepared = prepare(auto_spec({**ASKED, "data": "digits"}, within=120.0, out=out, threads=None))
    prepared.begin()
    nascale.train(
        "resnet18@width=0.12,resolution=32",
        data="digits",
        epochs=1,
        fraction=0.2,
        threads=1,
        out=out / "trainings" / "final",
    )
    state = prepared.state
    state.finished, state.exported = True, {"folder": "trainings/final"}
    state.worth_it, state.sentences = "no", ["exported: a network", "worth it: no"]
    state.write(118.0)


def test_what_came_of_it_is_returned(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(out)
    said: list[str] = []
    found = nascale.auto("digits", out=out, within="2min", report=said.append, **ASKED)
    assert found.worth_it == "no" and found.conclusions == ("exported: a network", "worth it: no")
    assert found.folder == out and found.run.folder == out / "trainings" / "final"
    assert nascale.profile(found.architecture).macs == nascale.profile(found.run.architecture).macs
    assert found.study == nascale.Study("auto", f"sqlite:///{out}/study.db")
    assert said == []  # it was finished


def test_the_same_request_may_be_written_otherwise(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(out)
    assert nascale.auto("digits", out=str(out), within=120, **{**ASKED, "max_macs": 2e5}).worth_it == "no"
    with pytest.raises(nascale.InputError, match="--out: wanted the settings with which it began"):
        nascale.auto("digits", out=out, within="2min", **{**ASKED, "max_macs": "300K"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"within": "soon"}, "within: wanted a positive time"),
        ({"within": "20s"}, "--within: wanted 1 min"),
        ({"max_maks": "1M"}, "max_macs"),
        ({"study": "mine"}, "study: wanted none, as auto decides it itself, got 'mine'"),
        ({"trials": 9}, "trials: wanted none, as auto decides it itself, got 9"),
        ({"max_macs": None}, "a budget on the network"),
    ],
)
def test_what_cannot_be_done_is_named_before_anything_is_written(
    settings: dict[str, object], said: str, tmp_path: Path
) -> None:
    given = {"max_macs": "1M", **settings}
    with pytest.raises(nascale.InputError, match=said):
        nascale.auto("digits", out=tmp_path / "out", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_no_module_hides_a_function() -> None:
    assert callable(nascale.auto) and running.__name__ == "nascale.auto_run.running"
    modules = {module.name for module in pkgutil.iter_modules(nascale.__path__)}
    assert not modules & set(nascale.__all__)


def test_who_calls_it_has_their_own_handlers_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with told_when_stopped("out"):
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_network_in_a_minute_and_a_half(tmp_path: Path) -> None:
    said: list[str] = []
    found = nascale.auto(
        "digits", out=tmp_path / "out", within="90s", max_macs="200K", resolution=16, report=said.append
    )
    assert found.test is not None and found.test["low"] <= found.test["accuracy"] <= found.test["high"]
    assert found.worth_it in ("yes", "no", "undecided") and len(found.conclusions) > 4
    assert nascale.profile(found.architecture).macs <= 200_000
    assert (found.folder / "export" / "model.onnx").exists() and (found.folder / "report.html").exists()
    assert len(nascale.trials(found.study)) > 0
    assert any("full training" in line for line in said)
