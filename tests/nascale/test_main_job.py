"""The main job as a person runs it: real images, real Ray workers, kill -9, and the same command again."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from nascale.cli import run
from tests.processes import environment

TRIALS = 6
SEARCH = (
    f"search --space mixed --sampler controller --data digits --epochs 1 --fraction 0.3 --trials {TRIALS} "
    "--workers 2 --seed 3 --study job --storage sqlite:///job.db"
).split()


def nascale(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    # A home of its own: Ray writes a token there.
    return subprocess.Popen(
        [sys.executable, "-m", "nascale", *arguments],
        cwd=cwd,
        env=environment(HOME=str(cwd), RAY_AUTH_MODE="disabled"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def heed_ctrl_c() -> None:
    """A shell that runs a command in the background has it ignore Ctrl-C, and so its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finished(database: Path) -> int:
    if not database.exists():
        return 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            return int(
                connection.execute("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0]
            )
        except sqlite3.OperationalError:
            return 0  # the tables are not there yet


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that was killed in the middle and then finished by the same command."""
    place = tmp_path_factory.mktemp("job")
    process = nascale(*SEARCH, cwd=place)
    deadline = time.monotonic() + 120
    while finished(place / "job.db") < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    text, _ = process.communicate()
    before = finished(place / "job.db")
    assert 2 <= before < TRIALS, text
    again = nascale(*SEARCH, cwd=place)
    text, _ = again.communicate(timeout=150)
    assert again.returncode == 0, text
    assert f"going on with study job: {before} trials done" in text
    return place


def asked(place: Path, *arguments: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of the command in this process, in that folder: starting one takes longer."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(place), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([*arguments])
    return status, out.getvalue(), err.getvalue()


def rows(place: Path, *arguments: str) -> list[dict[str, object]]:
    status, out, err = asked(place, *arguments, "--storage", "sqlite:///job.db", "--format", "json")
    assert status == 0, err
    loaded: list[dict[str, object]] = json.loads(out)
    return loaded


def test_nothing_is_lost_and_nothing_measured_twice(job: Path) -> None:
    trials = rows(job, "trials", "job")
    assert [t["number"] for t in trials] == list(range(TRIALS))
    assert {t["state"] for t in trials} == {"COMPLETE"}
    measured = Counter(t["key"] for t in trials if t["status"] == "ok")
    assert set(measured.values()) == {1}
    assert all(0 <= float(str(t["accuracy"])) <= 1 for t in trials)


def test_the_front_is_a_front_of_those_trials(job: Path) -> None:
    front = rows(job, "front", "job")
    assert {"number", "key", "accuracy", "macs", "params"} <= set(front[0])
    accuracies = [float(str(row["accuracy"])) for row in front]
    assert accuracies == sorted(accuracies, reverse=True)
    trials = rows(job, "trials", "job")
    for row in front:
        for other in trials:
            better = float(str(other["accuracy"])) >= float(str(row["accuracy"]))
            cheaper = float(str(other["macs"])) <= float(str(row["macs"]))
            strictly = other["accuracy"] != row["accuracy"] or other["macs"] != row["macs"]
            assert not (better and cheaper and strictly)


def test_a_finished_search_is_answered_from_the_store(job: Path) -> None:
    status, out, _ = asked(job, *SEARCH)
    assert status == 0
    assert f"study job: {TRIALS} trials" in out


def test_another_spec_under_its_name_is_refused(job: Path) -> None:
    status, _, err = asked(job, *SEARCH, "--seed", "4")
    assert status == 2
    assert "seed" in err.splitlines()[-1]


def test_the_winner_scales_to_budgets(job: Path) -> None:
    best = rows(job, "front", "job")[0]
    budgets = [float(str(best["macs"])) * step for step in (2, 4)]
    family = rows(
        job,
        "scale",
        "family",
        f"job:{best['number']}",
        "--budgets",
        ",".join(f"{b:.0f}" for b in budgets),
    )
    for row, budget in zip(family, budgets, strict=True):
        assert 0.9 * budget < float(str(row["macs"])) <= budget


def test_ctrl_c_stops_cleanly_and_the_study_goes_on(tmp_path: Path) -> None:
    arguments = [*SEARCH, "--workers", "0"]
    process = nascale(*arguments, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while finished(tmp_path / "job.db") < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(2):  # the second one in the middle of putting things in order
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert "the same command goes on" in text
    assert "Traceback" not in text
    with sqlite3.connect(tmp_path / "job.db") as connection:
        states = {state for (state,) in connection.execute("SELECT state FROM trials")}
    assert "RUNNING" not in states


@pytest.mark.slow
def test_a_supernet_that_was_killed_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    epochs = 30
    search = (
        f"search --evaluator supernet --space mixed --data digits --epochs {epochs} --fraction 0.3 --batch-size 32 "
        "--trials 3 --sampler random --workers 0 --storage sqlite:///job.db"
    ).split()
    cache = tmp_path / ".cache" / "nascale"
    process = nascale(*search, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list(cache.glob("supernet-*.pt")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    text, _ = process.communicate()
    assert list(cache.glob("supernet-*.pt")) and f"epoch {epochs} of" not in text, text
    again = nascale(*search, cwd=tmp_path)
    text, _ = again.communicate(timeout=150)
    assert again.returncode == 0, text
    assert f"epoch {epochs} of {epochs}" in text and "supernet: epoch 1 of" not in text
    assert "3 trials" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)], ids=["term", "ctrl-c-twice"]
)
def test_signals_stop_a_search_with_workers_cleanly(
    signals: tuple[signal.Signals, ...], tmp_path: Path
) -> None:
    process = nascale(*SEARCH, "--trials", "200", cwd=tmp_path)
    deadline = time.monotonic() + 90
    while finished(tmp_path / "job.db") < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signals[0], text
    assert text.endswith("\nstopped; the same command goes on with study job\n\ninterrupted\n"), text
    with sqlite3.connect(tmp_path / "job.db") as connection:
        states = {state for (state,) in connection.execute("SELECT state FROM trials")}
        (mark,) = connection.execute(
            "SELECT value_json FROM study_system_attributes WHERE key = 'nascale:driver'"
        ).fetchone()
    assert "RUNNING" not in states and mark == "null"
