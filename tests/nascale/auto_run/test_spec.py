"""What ``nascale auto`` makes of its options, and what its help says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluators.full_recipe import FullRecipe
from nascale.auto_run.spec import AutoSpec, auto_spec
from nascale.cli import run
from nascale.spec import SearchSpec
from space.errors import InputError
from space.setting import declared


def spec(**options: object) -> AutoSpec:
    given = {"data": "digits", "max_macs": 1e6, "workers": 1, **options}
    return auto_spec(given, within=120.0, out=Path("out"), threads=1)


def test_what_is_asked_of_the_recipe_goes_for_all_trainings() -> None:
    one = spec(flip=True, weight_decay=1e-4)
    assert one.search.recipe.flip and one.search.recipe.weight_decay == 1e-4
    assert one.training_options["flip"] is True and one.training_options["weight_decay"] == 1e-4


def test_what_makes_the_search_short_does_not() -> None:
    one = spec(epochs=2, train_resolution=16, fraction=0.5)
    assert one.search.recipe.epochs == 2
    assert not {"epochs", "train_resolution", "fraction"} & one.training_options.keys()


def test_the_patience_with_a_database_is_none_with_a_training() -> None:
    one = spec(patience=300.0)
    assert one.search.run.patience == 300.0
    assert "patience" not in one.training_options


def test_studies_to_learn_from_are_in_the_usual_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASCALE_STORAGE", "sqlite:///usual.db")
    one = spec(learn_from="first, auto@sqlite:///other/study.db")
    assert one.search.learn_from == "first@sqlite:///usual.db,auto@sqlite:///other/study.db"
    assert one.request["learn_from"] == "first, auto@sqlite:///other/study.db"
    secret = spec(learn_from="first@postgresql://me:secret@host/db")
    assert "secret" not in str(secret.request) and "secret" in str(secret.search.learn_from)
    with pytest.raises(InputError, match="learn_from: wanted each study once"):
        spec(learn_from="first,first")


@pytest.fixture
def help_lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert run(["auto", "--help"]) == 0
    text = capsys.readouterr().out
    parts = re.split(r"\n  (?=--)", text)
    return {part.split()[0]: " ".join(part.split()) for part in parts[1:]}


def test_the_help_says_the_defaults_that_auto_has(help_lines: dict[str, str]) -> None:
    one = spec()
    assert f"[default: {one.search.objective}]" in help_lines["--objective"]
    assert "[default: 0.0 in the search, 0.1 in the trainings after it]" in help_lines["--label-smoothing"]
    assert "[default: off in the search, on in the trainings after it]" in help_lines["--flip"]
    search, full = declared(SearchSpec), declared(FullRecipe)
    assert (search["label_smoothing"].default, full["label_smoothing"].default) == (0.0, 0.1)
    assert (search["flip"].default, full["flip"].default) == (False, True)
    assert "default" not in help_lines["--data"]


def test_other_commands_say_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "use mnas-hard or a budget. [default: accuracy]" in text
    assert "Label smoothing. [default: 0.0] " in text and "flips. [default" not in text
    assert run(["train", "--help"]) == 0
    assert "Random horizontal flips. [default: on] " in " ".join(capsys.readouterr().out.split())
