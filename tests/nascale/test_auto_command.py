"""``nascale auto`` from the command line: what it refuses, and real runs on the digits, one of them killed at random."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.export.certificate import checksum
from evaluators.export.exporting import read_certificate
from nascale.auto_run.state import FILE
from nascale.cli import run
from tests.processes import environment

DIGITS = ("--data", "digits", "--resolution", "32", "--max-macs", "2M", "--no-flip")


def refused(line: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(line) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--within", "0"], "--within: wanted a positive time"),
        (["--within", "20s"], "--within: wanted"),
        (["--within", "soon"], "--within: wanted a positive time"),
        (["--max-macs", "1K"], "max_macs: wanted 1000"),
        (["--threads", "0"], "--threads: wanted a positive whole number, got 0"),
        (["--workers", "0"], "--workers: wanted 1 or more, got 0"),
        (["--data", "folder:nowhere"], "nowhere"),
        (["--objective", "beauty"], "objective"),
        (["--epochs", "0"], "epochs: wanted"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert said in refused(["auto", *DIGITS, "--out", str(out), *options], capsys)
    assert not out.exists()


def test_data_has_to_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--data: wanted the images to train on" in refused(
        ["auto", "--out", str(tmp_path / "out")], capsys
    )


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    line = ["auto", *DIGITS, "--out", str(tmp_path)]
    assert "thesis.txt" in refused(line, capsys)
    (tmp_path / FILE).write_text("{}")
    assert "auto.json nascale auto wrote" in refused(line, capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "thesis.txt"]


def certified(export: Path) -> bool:
    """Whether the export is whole: every file of its certificate is there, and is what was certified."""
    certificate = read_certificate(export)
    return certificate is not None and all(
        checksum(export / name) == digest
        for row in certificate.rows
        if row.written
        for name, digest in row.files.items()
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_real_kills_at_random_leave_a_network_and_are_gone_on_from(tmp_path: Path) -> None:
    """Killed ten times at random, then to the end: always a certified network once there is one."""
    out = tmp_path / "out"
    line = [
        sys.executable,
        "-m",
        "nascale",
        "auto",
        *DIGITS,
        "--within",
        "4min",
        "--out",
        str(out),
        "--quiet",
    ]
    seed = random.randrange(1000)
    print("kills drawn with seed", seed)
    draw, scores = random.Random(seed), []
    for _ in range(10):
        process = subprocess.Popen(line, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE)
        try:
            process.wait(draw.uniform(3, 35))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if (out / "export").exists():
            assert certified(out / "export")
            scores.append((json.loads((out / FILE).read_text())["exported"] or {"score": 0})["score"])
    done = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads((out / FILE).read_text())
    assert certified(out / "export") and scores == sorted(scores)
    assert document["finished"] and document["worth_it"] in ("yes", "no", "undecided")
    assert (out / "report.html").exists() and (out / "family").is_dir()
    assert done.stdout.splitlines() == document["sentences"]
    again = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert again.stdout == done.stdout
    other = subprocess.run(
        [*line, "--seed", "1"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert other.returncode == 2 and "--out: wanted the settings with which it began" in other.stderr


POOR = """
name = "poor"
block_types = ["mbconv"]
stages = [{ channels = 8, stride = 2 }, { channels = 8, stride = 2, depths = [0, 1] }]
options.mbconv.expansion = [1, 2]
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_that_was_not_worth_it_is_called_so(tmp_path: Path) -> None:
    """In a space of networks that are far too small, a stock network under the same budget does better, and is what comes out."""
    (tmp_path / "poor.toml").write_text(POOR)
    out = tmp_path / "out"
    line = [sys.executable, "-m", "nascale", "auto", *DIGITS, "--space", "poor.toml", "--within", "3min"]
    done = subprocess.run(
        [*line, "--out", str(out), "--quiet"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((out / FILE).read_text())
    assert document["worth_it"] == "no" and document["exported"]["stock"]
    assert document["difference"]["high"] < 0.05
    assert "exported: the stock network" in done.stdout and "the search was not worth it" in done.stdout
    assert certified(out / "export")
