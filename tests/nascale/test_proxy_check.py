"""``nascale bench proxies`` on a small table and on a small study."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from nascale.commands.bench_proxies import command
from nascale.proxy_check import ProxyCheck, subject
from space.errors import InputError

COLUMNS = [f"op{i}" for i in range(8)]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A table of 24 strings of NAS-Bench-Macro's space with made-up accuracies, and images of its shape."""
    rows = list(itertools.islice(itertools.product(range(3), repeat=8), 0, 6561, 275))
    with (tmp_path / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "a", "b"])
        for row in rows:
            writer.writerow([*row, 0.5 + sum(row) / 40, 0.5 + sum(row) / 41])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (120, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x_train=images, y_train=np.arange(120) % 10)
    text = f"""
    data = "npz:{tmp_path / "images.npz"}"
    [table]
    path = "table.csv"
    space = "nas-bench-macro"
    decisions = {COLUMNS}
    accuracy = ["a", "b"]
    """
    path = tmp_path / "spec.toml"
    path.write_text("\n".join(line.strip() for line in text.splitlines()))
    return path


def test_a_table_is_the_truth_for_networks_of_distinct_keys(spec: Path, tmp_path: Path) -> None:
    picture, scores = tmp_path / "p.svg", tmp_path / "scores.csv"
    arguments = [str(spec), "--proxies", "macs,params,synflow", "--architectures", "5", "--workers", "0"]
    arguments += ["--repeats", "2", "--format", "json", "--plot", str(picture), "--scores", str(scores)]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    rows = json.loads(result.stdout)
    assert {row["proxy"] for row in rows} == {"macs", "params", "synflow"}
    for row in rows:
        assert row["architectures"] == 5 and row["failures"] == 0
        assert row["spearman_low"] <= row["spearman"] <= row["spearman_high"]
    assert next(row for row in rows if row["proxy"] == "macs")["noise_spearman"] == pytest.approx(1)
    with scores.open() as file:
        written = list(csv.DictReader(file))
    assert len({row["key"] for row in written}) == 5 and len(written) == 5 * 3 * 2
    assert {(row["proxy"], row["repeat"]) for row in written} == set(
        itertools.product(["macs", "params", "synflow"], "01")
    )
    free = [row for row in rows if row["proxy"] in ("macs", "params")]
    assert all(row["gain"] is None for row in free)
    (scored,) = (row for row in rows if row not in free)
    assert scored["gain"] == pytest.approx(scored["spearman"] - max(row["spearman"] for row in free))
    assert scored["gain_low"] <= scored["gain"] <= scored["gain_high"]
    assert "macs" in picture.read_text()
    assert "two runs of the truth agree" in result.stderr and "best ranking:" in result.stderr


def test_a_plot_that_cannot_be_written_is_refused_before_the_work(spec: Path, tmp_path: Path) -> None:
    for name, wanted in (("p.gif", "a file that ends in"), ("none/p.svg", "a path that can be written")):
        arguments = [str(spec), "--proxies", "macs", "--plot", str(tmp_path / name)]
        with pytest.raises(InputError, match=f"--plot: wanted {wanted}"):
            CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_comparison_that_was_killed_goes_on(spec: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"

    def compare(*options: str) -> tuple[list[dict[str, float]], str]:
        arguments = [str(spec), "--proxies", "macs,synflow", "--architectures", "4", "--workers", "0"]
        arguments += ["--format", "json", "--scores", str(scores), *options]
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        return json.loads(result.stdout), result.stderr

    whole, _ = compare()
    lines = scores.read_text().splitlines(keepends=True)
    scores.write_text("".join(lines[:4]) + lines[4][:20])  # three scores and a torn line
    again, told = compare()
    assert "5/5 scores" in told
    assert len(scores.read_text().splitlines()) == 9
    for row, other in zip(whole, again, strict=True):
        assert {k: v for k, v in row.items() if "second" not in k} == {
            k: v for k, v in other.items() if "second" not in k
        }
    _, told = compare()
    assert "scores\n" not in told
    blended, told = compare("--proxies", "synflow+macs,macs")
    assert "scores\n" not in told
    assert {row["proxy"] for row in blended} == {"synflow+macs", "macs"}
    with pytest.raises(InputError, match="--scores: wanted scores of seed 1"):
        compare("--seed", "1")
    scores.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="--scores: wanted a new file, or one of scores"):
        compare()
    assert scores.read_text() == "a,b\n1,2\n"


def test_a_study_is_judged_by_longer_training(tmp_path: Path) -> None:
    from nascale.commands.search import command as search

    storage = f"sqlite:///{tmp_path / 's.db'}"
    asked = ["--trials", "3", "--epochs", "1", "--workers", "0", "--sampler", "random", "--max-macs", "200K"]
    asked += ["--fraction", "0.2", "--batch-size", "128"]
    run = CliRunner().invoke(
        search, [*asked, "--study", "s", "--storage", storage, "--quiet"], catch_exceptions=False
    )
    assert run.exit_code == 0
    arguments = [
        "s",
        "--storage",
        storage,
        "--proxies",
        "macs",
        "--longer",
        "2",
        "--workers",
        "0",
        "--format",
        "json",
    ]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    rows = {row["proxy"]: row for row in json.loads(result.stdout)}
    assert set(rows) == {"macs", "the study (1 epochs)"}
    assert all(row["architectures"] == 3 for row in rows.values())
    assert "trained for 2 epochs instead of 1" in result.stderr


def test_what_cannot_be_compared_is_refused(spec: Path, tmp_path: Path) -> None:
    def asked(proxies: str = "macs", architectures: int = 8) -> ProxyCheck:
        storage = f"sqlite:///{tmp_path / 'none.db'}"
        return ProxyCheck(proxies, architectures, device="cpu", storage=storage)

    with pytest.raises(InputError, match="nearest: macs"):
        subject(str(spec), asked("mac"))
    with pytest.raises(InputError, match="--architectures: wanted 3 or more"):
        subject(str(spec), asked(architectures=2))
    with pytest.raises(InputError, match="--proxies"):
        subject(str(spec), asked(","))
    spec.write_text('data = "digits"\n')
    with pytest.raises(InputError, match="table"):
        subject(str(spec), asked())


def test_a_supernet_is_trained_once_for_all_networks_and_they_share_its_seconds(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    scores = tmp_path / "scores.csv"
    one = "supernet:epochs=1,resolution=8,width=0.25,batch_size=32,statistics_images=64"

    def compare(count: int, *options: str) -> tuple[dict[str, dict[str, float]], str]:
        arguments = [str(spec), "--architectures", str(count), "--workers", "0", "--repeats", "2"]
        arguments += ["--format", "json", "--proxies", f"{one},macs,{one}+macs", *options]
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        return {row["proxy"]: row for row in json.loads(result.stdout)}, result.stderr

    first, told = compare(3, "--scores", str(scores))
    assert set(first) == {one, "macs", f"{one}+macs"}
    assert told.count("supernet: epoch 1 of 1") == 2 and "failed" not in told
    with scores.open() as file:
        charged = [float(row["seconds"]) for row in csv.DictReader(file) if row["proxy"] == one]
    trainings = [torch.load(path, weights_only=True)["seconds"] for path in (tmp_path / "cache").iterdir()]
    assert len(charged) == 6 and len(trainings) == 2
    assert min(charged) > sum(trainings) / 6
    _, told = compare(4)  # the same weights serve other networks too
    assert "supernet: epoch" not in told
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    _, told = compare(3, "--scores", str(scores))
    assert "supernet: epoch" not in told and not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_the_study_of_a_supernet_is_judged_by_trainings_from_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nascale.commands.search import command as search

    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    storage = f"sqlite:///{tmp_path / 's.db'}"
    asked = ["--trials", "3", "--epochs", "2", "--workers", "0", "--sampler", "random", "--max-macs", "400K"]
    asked += ["--evaluator", "supernet", "--study", "s", "--storage", storage, "--fraction", "0.3"]
    result = CliRunner().invoke(search, asked, catch_exceptions=False)
    assert "digits, a supernet of 2 epochs" in result.stdout and "they rank networks" in result.stdout
    assert "supernet: epoch 2 of 2" in result.stdout and "best: trial" in result.stdout
    more = CliRunner().invoke(search, [*asked, "--trials", "5"], catch_exceptions=False)
    assert "going on with study s: 3 trials done" in more.stdout and "epoch 1" not in more.stdout
    arguments = ["s", "--storage", storage, "--proxies", "macs", "--longer", "0.1", "--workers", "0"]
    judged = CliRunner().invoke(command, [*arguments, "--format", "json"], catch_exceptions=False)
    assert {row["proxy"] for row in json.loads(judged.stdout)} == {
        "macs",
        "the study (a supernet of 2 epochs)",
    }
    assert "each trained for 6 epochs instead of a supernet of 2 epochs" in judged.stderr
