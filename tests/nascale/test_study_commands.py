"""The commands on stored studies, run as a person runs them."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import optuna
import pandas as pd
import pytest

from nascale import cli
from results import frame
from tests import factories
from tests.processes import python

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("commands") / "nascale.db"
    url = factories.sqlite_study(path, 40, seed=3)
    factories.sqlite_study(path, 20, seed=4, name="other")
    factories.sqlite_study(path, 0, name="empty")
    factories.sqlite_study(path, 4, name="failed", fates={1: "failed"})
    return url


@pytest.fixture
def run(
    storage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> object:
    """``run("front digits") -> (status, stdout, stderr)`` in a fresh directory, on the storage above."""
    monkeypatch.setenv("NASCALE_STORAGE", storage)
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> tuple[int, str, str]:
        status = cli.run(shlex.split(line))
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


def test_front_as_json(run: object, storage: str) -> None:
    status, out, _ = run("front digits --format json")  # type: ignore[operator]
    rows = json.loads(out)
    assert status == 0
    assert [r["number"] for r in rows] == frame.front("digits", storage)["number"].tolist()
    assert {"number", "key", "accuracy", "macs", "params"} <= set(rows[0])
    assert [r["accuracy"] for r in rows] == sorted((r["accuracy"] for r in rows), reverse=True)
    assert all(0 <= r["accuracy"] <= 1 and isinstance(r["macs"], int) for r in rows)


def test_front_along_other_axes_and_filtered(run: object) -> None:
    status, out, _ = run("front digits --x params --where 'macs < 3M' --format csv")  # type: ignore[operator]
    table = pd.read_csv(io.StringIO(out))
    assert status == 0
    assert (table["macs"] < 3e6).all()
    assert table["params"].is_monotonic_decreasing


def test_trials_sorted(run: object) -> None:
    _, out, _ = run("trials digits --sort accuracy --format json")  # type: ignore[operator]
    known = [r["accuracy"] for r in json.loads(out) if r["accuracy"] is not None]
    assert known == sorted(known, reverse=True)
    assert len(json.loads(out)) == 40
    _, out, _ = run("trials digits --sort activation_bytes")  # type: ignore[operator]
    assert "activation_bytes" in out


def test_studies(run: object) -> None:
    _, out, _ = run("studies --format json")  # type: ignore[operator]
    assert [(r["study"], r["finished"]) for r in json.loads(out)] == [
        ("digits", 40), ("other", 20), ("empty", 0), ("failed", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("study", ["empty", "failed"])
def test_nothing_to_show_is_no_error(run: object, study: str) -> None:
    status, out, err = run(f"front {study}")  # type: ignore[operator]
    assert (status, err) == (0, f"study {study}: no finished trial that could be on a front\n")
    assert "accuracy" in out and "macs" in out
    assert run(f"front {study} --format json")[:2] == (0, "[]\n")  # type: ignore[operator]
    assert run(f"front {study} --format csv")[1].startswith("number,state,status,key,accuracy")  # type: ignore[operator]
    for line in ("trials", "show", "plot", "report", "compare"):
        assert run(f"{line} {study}")[0] == 0, line  # type: ignore[operator]


def test_show_draws_a_network(run: object) -> None:
    status, out, _ = run("show digits best")  # type: ignore[operator]
    assert status == 0
    assert out.startswith("digits trial ")
    assert "stage 1" in out and out.splitlines()[-1].startswith("total")
    assert run("show digits knee -o knee.svg")[0] == 0  # type: ignore[operator]
    assert Path("knee.svg").read_text().startswith("<svg")
    rows = json.loads(run("show digits 3 --format json")[1])  # type: ignore[operator]
    assert sum(r["share"] for r in rows) == pytest.approx(1)


def test_show_prints_the_command_that_repeats(run: object) -> None:
    _, out, _ = run("show digits")  # type: ignore[operator]
    line = next(x for x in out.splitlines() if x.startswith("repeat with"))
    assert line.split("  ", 1)[1].strip().startswith("nascale search --space mixed --sampler random")


def test_compare_and_its_picture(run: object) -> None:
    status, out, err = run("compare digits other --format json --plot compare.svg")  # type: ignore[operator]
    assert status == 0
    assert [r["study"] for r in json.loads(out)] == ["digits", "other"]
    assert "reference of the hypervolume" in err
    assert "Searches compared" in Path("compare.svg").read_text()


def test_pictures_and_pages_have_default_names(run: object) -> None:
    assert run("plot digits")[1] == "digits-overview.png\n"  # type: ignore[operator]
    assert run("plot digits --kind importance --dark")[1] == "digits-importance.png\n"  # type: ignore[operator]
    assert run("report digits")[1] == "digits.html\n"  # type: ignore[operator]
    assert all(Path(n).stat().st_size > 10_000 for n in ("digits-overview.png", "digits.html"))


def test_delete_asks_first(run: object, database: str) -> None:
    url = factories.stored_study(database, 2)
    status, _, err = run(f"studies --delete digits --storage {url} --yes")  # type: ignore[operator]
    assert (status, err) == (0, "removed study digits with 2 trials\n")
    assert run(f"studies --storage {url} --format json")[1] == "[]\n"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("front digit", "study: no such name 'digit' (nearest: digits)"),
        ("front digits --x mac", "--x: no such column 'mac' (nearest: macs"),
        ("front digits --x worker", "--x: wanted a column that can be better or worse (number, accuracy, "),
        (
            "trials digits --where 'acuracy > 1'",
            "--where: no such column 'acuracy' (nearest: accuracy",
        ),
        ("trials digits --where 'open(1)'", "--where: wanted comparisons such as"),
        ("trials digits --sort speed", "--sort: no such column 'speed'"),
        ("show digits 40", "trial: wanted a number from 0 to 39 (study digits), got 40"),
        ("show digits last", 'TRIAL: wanted a number, "best" or "knee", got \'last\''),
        ("show empty best", "TRIAL: wanted a study with a finished trial"),
        ("plot digits -o picture.gif", "--output: wanted a file that ends in"),
        ("plot digits -o missing/a.png", "--output: wanted a path that can be written"),
        ("report digits -o missing/a.html", "--output: wanted a path that can be written"),
        ("front digits -o missing/a.csv", "--output: wanted a path that can be written"),
        ("compare digits other --plot missing/a.png", "--plot: wanted a path that can be written"),
        ("compare digits other --plot a.txt", "--plot: wanted a file that ends in"),
        ("compare digits other --reference 1", "--reference: wanted two numbers"),
        (
            "front digits --storage none.db",
            "storage: wanted a SQLite file (no such file; a search makes one)",
        ),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    run: object, line: str, message: str, tmp_path: Path
) -> None:
    status, out, err = run(line)  # type: ignore[operator]
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {message}"), err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_front_loads_neither_torch_nor_ray(storage: str) -> None:
    program = (
        "import sys; from nascale import cli;"
        f"status = cli.run(['front', 'digits', '--storage', {storage!r}, '--format', 'csv']);"
        "heavy = [m for m in ('torch', 'ray', 'optuna', 'matplotlib', 'sqlalchemy', 'sklearn') if m in sys.modules];"
        "sys.exit(f'loaded {heavy}' if heavy or status else 0)"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr


def test_studies_of_similar_names_have_reports_of_their_own(
    run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("a/b", "a b", "a-b")
    for name in names:
        factories.sqlite_study(tmp_path / "s.db", 12, name=name)
    files = []
    for name in names:
        status = cli.run(["report", name, "--storage", "s.db"])
        assert status == 0
        files.append(next(f for f in tmp_path.glob("*.html") if f not in files))
    assert len(files) == 3 and tmp_path / "a-b.html" in files
    assert "nascale scale family &#x27;a b:" in "".join(f.read_text() for f in files)
