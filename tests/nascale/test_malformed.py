"""Input that once hung, filled the memory or ended in a raw error: refused at once, in one line, with nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascale.cli import run
from tests import factories

SPACE = 'name = "mine"\nblock_types = ["mbconv"]\nstages = [{ channels = 16, depths = [1000000000] }]\n'
LINES: dict[str, tuple[list[str], str]] = {
    "depth of a network": (
        ["profile", "resnet50@depth=1e9"],
        "depth: wanted a positive multiplier up to 1000",
    ),
    "depth of a space": (["spaces", "deep.toml"], r"stage.depths: wanted whole numbers from 0 to 1000"),
    "a budget": (["scale", "family", "resnet18", "--budgets", "1e30"], "budget: wanted less than"),
    "phi": (["scale", "family", "resnet18", "--phi", "0..100000000"], "--phi: wanted at most 100 values"),
    "phi of 5,000 digits": (
        ["scale", "family", "resnet18", "--phi", "0.." + "9" * 5000],
        "--phi: wanted numbers",
    ),
    "many phis": (
        ["scale", "family", "resnet18", "--phi", ",".join("1" * 500)],
        "--phi: wanted at most 100 values",
    ),
    "a filter of one number": (["trials", "digits", f"--where=macs < {'1' * 9000}x"], "stopped at"),
    "a filter of 20,000 letters": (
        ["trials", "digits", f"--where={' ' * 20_000}"],
        "a filter of at most 10000 letters",
    ),
    "a quantity": (
        ["spaces", "mixed", "--max-macs", "1" * 100_000 + "!"],
        "--max-macs: wanted a positive number",
    ),
    "a trial of 5,000 digits": (["profile", "digits:" + "1" * 5000], "ARCH: wanted STUDY:NUMBER"),
    "an endless spec": (["search", "/dev/zero"], "SPEC: wanted a TOML file of at most 64 MiB"),
    "an endless network": (["profile", "link.json"], "ARCH: wanted a JSON file of at most 64 MiB"),
    "a number of 5,000 digits": (["search", "long.toml"], "SPEC: wanted a TOML file, got 'long.toml"),
    "a coefficient": (
        ["scale", "family", "resnet18", "--phi", "1", "--beta", "1e308"],
        "beta: wanted a coefficient",
    ),
    "a growth": (
        ["scale", "fit", "points.csv", "--growth", "inf"],
        "growth: wanted a number above 1, up to 1000",
    ),
    "resamples": (["scale", "fit", "points.csv", "--resamples", "1000000000"], "resamples"),
    "a tolerance": (
        ["scale", "reproduce", "--width-tolerance", "0"],
        "width_tolerance: wanted a positive number",
    ),
    "a seed": (["data", "digits", "--seed", "-1"], "seed: wanted a whole number from 0 to"),
    "a path": (["studies", "--storage", "a" * 5000], "storage: wanted the path of a SQLite file"),
}


@pytest.mark.parametrize("case", LINES)
def test_it_is_refused_at_once(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASCALE_STORAGE", "sqlite:///s.db")
    factories.sqlite_study(tmp_path / "s.db", 2)
    (tmp_path / "deep.toml").write_text(SPACE)
    (tmp_path / "long.toml").write_text(f"seed = {'9' * 5000}")
    (tmp_path / "points.csv").write_text(
        "depth,width,resolution,accuracy\n" + "1,1,1,0.7\n1.2,1,1,0.72\n1,1.1,1,0.73\n1,1,1.15,0.71\n" * 3
    )
    (tmp_path / "link.json").symlink_to("/dev/zero")
    before = sorted(tmp_path.iterdir())
    arguments, message = LINES[case]
    status = run(arguments)
    told = capsys.readouterr()
    assert status == 2, told.err
    assert message in told.err and told.err.startswith("error: ")
    assert told.err.count("\n") == 1 and len(told.err) < 2100
    assert sorted(tmp_path.iterdir()) == before
