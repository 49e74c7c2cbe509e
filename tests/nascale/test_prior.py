"""``--prior`` from the command line: on a table of networks, and refused in one line where it cannot be used."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from nascale.cli import run
from results.studies import load

SPACE = """name = "small"
block_types = ["mbconv"]
resolution = 8
in_channels = 1
stages = [{ channels = 8, depths = [1, 2], widths = [1.0, 2.0] }]
options.mbconv = { se = [0.0], skip = [true] }
"""


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "stage1.depth,stage1.width,stage1.block,stage1.mbconv.kernel,stage1.mbconv.expansion,stage1.mbconv.se,stage1.mbconv.skip,y"
    rows = [
        f"{depth},{width},mbconv,{kernel},{expansion},0.0,True,{0.3 + 0.1 * depth + 0.1 * width + 0.01 * kernel}"
        for depth, width, kernel, expansion in product((1, 2), (1.0, 2.0), (3, 5), (2, 4, 6))
    ]
    (tmp_path / "t.csv").write_text("\n".join([columns, *rows]))
    names = ", ".join(f'"{name}"' for name in columns.split(",")[:-1])
    (tmp_path / "t.toml").write_text(
        f'[table]\npath = "t.csv"\nspace = "s.toml"\ndecisions = [{names}]\naccuracy = "y"\n'
    )
    (tmp_path / "bare.toml").write_text(f'[table]\npath = "t.csv"\ndecisions = [{names}]\naccuracy = "y"\n')
    (tmp_path / "s.toml").write_text(SPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASCALE_STORAGE", "sqlite:///s.db")


def test_a_search_with_scores_goes_on_where_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    line = "search t.toml --sampler gp-ei --prior naswot:batch_size=16,macs --quiet"
    assert run(f"{line} --trials 12 --study whole".split()) == 0
    assert run(f"{line} --trials 9 --study stopped".split()) == 0
    assert run(f"{line} --trials 12 --study stopped".split()) == 0
    whole, stopped = (load(name) for name in ("whole", "stopped"))
    assert [t.decisions for t in whole.trials] == [t.decisions for t in stopped.trials]
    assert whole.spec["prior"] == "naswot:batch_size=16,macs"
    assert "prior:" not in capsys.readouterr().out  # every network has its scores


def test_samplers_are_compared_with_scores(capsys: pytest.CaptureFixture[str]) -> None:
    line = "bench samplers t.toml --prior macs --samplers gp-ei --evaluations 10 --repeats 2 --jobs 1 --format csv"
    assert run(line.split()) == 0
    told = capsys.readouterr()
    assert told.out.count("\n") == 3 and told.err == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("search t.toml --sampler gp-ei --prior naswott", "prior: no such name 'naswott' (nearest: naswot"),
        ("search t.toml --sampler random --prior macs", "prior: wanted sampler controller or gp-ei"),
        ("search bare.toml --sampler gp-ei --prior naswot", "prior: wanted a space that decodes to networks"),
        (
            "search bare.toml --sampler gp-ei --prior macs",
            "prior: wanted a cost that is known beforehand (none is)",
        ),
        ("search t.toml --sampler gp-ei --prior naswot:size=2", "proxy naswot:size=2: setting"),
        ("bench samplers t.toml --prior train:epochs=1", "prior: no such name 'train:epochs=1'"),
    ],
)
def test_bad_input_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 2
    told = capsys.readouterr()
    assert message in told.err and told.err.count("\n") == 1 and told.out == ""
    assert not Path("s.db").exists()
