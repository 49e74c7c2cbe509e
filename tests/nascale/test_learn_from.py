"""``--learn-from``: what was learned is kept with the study, and what cannot be learned from is refused in one line."""

from __future__ import annotations

from contextlib import chdir
from itertools import product
from pathlib import Path
from shutil import copytree

import pytest

from nascale.cli import run as command
from nascale.launch import stored_spec
from nascale.spec import SearchSpec
from results.studies import delete, load, summaries
from tests.factories import copied

SPEC = '[table]\npath = "{0}.csv"\ndecisions = ["a", "b", "c"]\naccuracy = "y"\nunit = "percent"\n'


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables one and two of one space and wide of another; studies one, few and wide of the first and the last."""
    made = tmp_path_factory.mktemp("studies")
    for name, options in (("one", (0, 1, 2)), ("two", (0, 1, 2)), ("wide", (0, 1, 2, 3))):
        rows = [
            f"{a},{b},{c},{40 + 5 * a + 4 * b + 3 * c + (a * b if name == 'two' else 0)}"
            for a, b, c in product(options, repeat=3)
        ]
        (made / f"{name}.csv").write_text("\n".join(["a,b,c,y", *rows]))
        (made / f"{name}.toml").write_text(SPEC.format(name))
    with chdir(made):
        for study, table, trials in (("one", "one", 12), ("few", "one", 2), ("wide", "wide", 9)):
            line = f"search {table}.toml --sampler grid --trials {trials} --study {study} --storage nascale.db --quiet"
            assert command(line.split()) == 0
    return made


@pytest.fixture(autouse=True)
def folder(studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a copy of them."""
    copytree(studies, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    return tmp_path


def search(words: str) -> int:
    return command(f"search two.toml --quiet {words}".split())


def decisions(study: str) -> list[dict[str, object]]:
    return [trial.decisions for trial in load(study).trials]


def test_what_was_learned_is_kept_and_later_changes_of_the_other_study_change_nothing() -> None:
    assert search("--learn-from one --trials 14 --study whole") == 0
    assert search("--learn-from one --trials 7 --study stopped") == 0
    kept = load("stopped").attributes["learned_from:0"]
    assert (kept["study"], kept["networks"]) == ("one", len(kept["rows"]))
    assert (
        command(
            [
                "search",
                "one.toml",
                "--sampler",
                "grid",
                "--trials",
                "20",
                "--study",
                "one",
                "--storage",
                "nascale.db",
                "--quiet",
            ]
        )
        == 0
    )
    delete("one")
    assert search("--learn-from one --trials 14 --study stopped") == 0
    assert decisions("stopped") == decisions("whole")
    assert load("stopped").attributes["learned_from:0"] == load("whole").attributes["learned_from:0"]


def test_what_was_learned_from_is_said_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["search", "two.toml", "--learn-from", "one", "--trials", "2", "--study", "s"]) == 0
    checksum = load("s").attributes["learned_from:0"]["checksum"]
    assert f"learns from one, 12 networks (checksum {checksum})" in capsys.readouterr().out
    assert command(["show", "s"]) == 0
    assert f"one, 12 networks (checksum {checksum})" in capsys.readouterr().out


def test_it_changes_what_is_searched_first(folder: Path) -> None:
    assert search("--learn-from one --trials 4 --study taught") == 0
    assert search("--trials 4 --study alone") == 0
    assert decisions("taught") != decisions("alone")
    best = max(load("one").trials, key=lambda trial: trial.accuracy or 0)
    assert sum(decisions("taught")[0].values()) >= sum(best.decisions.values()) > 3  # type: ignore[arg-type]


def test_a_study_of_another_storage(folder: Path, database: str) -> None:
    assert search(f"--learn-from one@{folder / 'nascale.db'} --storage {database} --trials 3 --study s") == 0
    assert search("--learn-from one --trials 3 --study same") == 0
    assert [trial.decisions for trial in load("s", database).trials] == decisions("same")


def test_a_study_of_either_database(folder: Path, database: str) -> None:
    copied(folder / "nascale.db", database)
    assert search(f"--learn-from one@{database} --trials 3 --study s") == 0
    assert search("--learn-from one --trials 3 --study same") == 0
    assert decisions("s") == decisions("same")
    kept = [load(study).attributes["learned_from:0"]["checksum"] for study in ("s", "same")]
    assert kept[0] == kept[1]


def test_several_studies_are_kept_one_by_one() -> None:
    line = "search one.toml --sampler random --trials 8 --seed 5 --study more --quiet"
    assert command(line.split()) == 0
    assert search("--learn-from one,more --trials 3 --study s") == 0
    delete("more")
    assert search("--learn-from one,more --trials 5 --study s") == 0
    kept = load("s").attributes
    assert [kept[f"learned_from:{i}"]["study"] for i in range(2)] == ["one", "more"]


def test_a_search_in_memory_learns_too() -> None:
    assert search("--learn-from one --storage memory --trials 3") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--learn-from onee", "study: no such name 'onee' (nearest: one)"),
        ("--learn-from one,one", "learn_from: wanted each study once"),
        ("--learn-from one@", "learn_from: wanted STUDY or STUDY@STORAGE"),
        ("--learn-from one@missing.db", "storage: wanted a SQLite file (no such file"),
        ("--learn-from few", "learn_from: study 'few': wanted 5 measured networks or more, got 2"),
        (
            "--learn-from wide",
            "learn_from: study 'wide': wanted the decisions of space two, got those of space wide",
        ),
        ("--learn-from one --sampler evolution", "learn_from: wanted sampler controller or controller-ppo"),
        ("--learn-from new", "learn_from: wanted other studies than the search's own, got 'new'"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(f"--study new --trials 3 {words}") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert {row["study"] for row in summaries()} == {"one", "few", "wide"}


def test_a_search_does_not_begin_to_learn_half_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert search("--trials 3 --study s") == 0
    assert search("--trials 5 --study s --learn-from one") == 2
    assert "learn_from None → 'one'" in capsys.readouterr().err


def test_no_password_is_kept() -> None:
    spec = SearchSpec.of(learn_from="a@postgresql://me:secret@host/db,b")
    assert "secret" not in str(stored_spec(spec))
