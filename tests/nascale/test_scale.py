"""``nascale scale``: what the four commands print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run
from nascale.commands.scale_family import MEASURES
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv
from space.codec import from_dict, from_json, to_json
from space.cost import COST_NAMES, costs
from tests.processes import python
from tests.search.scaling.losses import made_up, rows_of, star_multipliers

EFFICIENTNET = """depth,width,resolution,accuracy
1,1,1,0.773
4,1,1,0.79
1,2,1,0.789
1,1,2,0.791
1.4,1.2,1.2991,0.811
1.1,1.0,1.0714,0.7913
1.2,1.1,1.1607,0.8007
1.4,1.2,1.3393,0.8159
1.8,1.4,1.6964,0.8289
2.2,1.6,2.0357,0.836
2.6,1.8,2.3571,0.8395
3.1,2.0,2.6786,0.8426
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nascale(line: str) -> int:
    return run(line.split())


def printed(capsys: pytest.CaptureFixture[str], line: str) -> Any:
    assert nascale(line) == 0
    return json.loads(capsys.readouterr().out)


def test_reproduce_checks_and_explains(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert nascale("scale reproduce --check --plot reproduce.png") == 0
    out = capsys.readouterr().out
    assert "rounding released" in out
    assert "α·β²·γ² is 1.920, not 2" in out and "φ = 1 costs 2.57 times B0" in out
    assert "B1, B2, B3 follow the formula" in out
    assert "No φ fits B4, B5, B6, B7, B8" in out
    assert "39.66G MACs and 68.74M params" in out
    assert (tmp_path / "reproduce.png").stat().st_size > 10_000


def test_reproduce_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "scale reproduce --format json")
    b7 = next(row for row in rows if row["name"] == "efficientnet_b7")
    assert (b7["params"], b7["macs"], b7["paper_macs"]) == (66_347_960, 37_745_884_192, 37e9)
    assert {row["rounding"] for row in rows} == {"released", "lite"}


def test_check_fails_where_rounding_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert nascale("scale reproduce --check --repeats round") == 1
    assert "error: --check: params or macs differ" in capsys.readouterr().err


def test_other_papers_are_counted_beside_what_they_published(capsys: pytest.CaptureFixture[str]) -> None:
    for paper, networks in (("tinynet", 5), ("resnet-rs", 7), ("fast", 10)):
        rows = printed(capsys, f"scale reproduce --paper {paper} --check --format json")
        assert len(rows) == networks and False not in [row["agrees"] for row in rows]
    fast = next(row for row in rows if row["name"] == "fast ×16")
    assert 0.5 < fast["activation_power"] < 0.65  # near the root, where depth and resolution have 1
    assert nascale("scale reproduce --paper tinynet") == 0
    assert "tinynet_e" in capsys.readouterr().out
    assert nascale("scale reproduce --paper tinynet --infer") == 2
    assert "--infer: wanted only with --paper efficientnet" in capsys.readouterr().err


def test_families_by_rules(capsys: pytest.CaptureFixture[str]) -> None:
    line = "scale family resnet18@resolution=64 --format json --budgets 600M"
    (wide,) = printed(capsys, f"{line} --rule fast")
    assert wide["realised_width"] > wide["realised_depth"] > 1
    (paper,) = printed(capsys, f"{line} --rule paper")
    assert paper == printed(capsys, line)[0] == printed(capsys, f"{line} --rule 1.2,1.1,1.15")[0]
    (small,) = printed(capsys, "scale family efficientnet_b0 --format json --budgets 100M --rule tinynet")
    assert small["rounding"] == "tinynet" and small["used"] >= 0.97


def test_a_law_tells_the_accuracy_to_be_expected(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(EFFICIENTNET)
    assert nascale("scale fit points.csv --resamples 20 --format json -o fit.json") == 0
    line = "scale family efficientnet_b0 --budgets 1G,4G --law fit.json"
    rows = printed(capsys, f"{line} --format json")
    for row in rows:
        assert row["predicted_low"] < row["predicted_accuracy"] < row["predicted_high"]
    assert 0.78 < rows[0]["predicted_accuracy"] < rows[1]["predicted_accuracy"] < 0.85  # B2: 0.798, B4: 0.826
    assert nascale(line) == 0
    assert "expected accuracy" in capsys.readouterr().out
    fit = json.loads((tmp_path / "fit.json").read_text())
    for wrong in (
        {},
        fit | {"theta": ["x"]},
        fit | {"law": "none"},
        fit | {"fits": [{}]},
        fit | {"varied": [1]},
        [],
    ):
        (tmp_path / "fit.json").write_text(json.dumps(wrong))
        assert nascale(line) == 2
        error = capsys.readouterr().err
        assert error.count("--law: wanted a file that scale fit --format json wrote") == 1
        assert error.count("\n") == 1
    (tmp_path / "fit.json").unlink()
    assert nascale(line) == 2 and capsys.readouterr().err.count("--law") == 1


def test_infer(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "scale reproduce --infer --format json")
    assert found["given_alpha_possible"] is False
    assert 1.16 < found["region"]["alpha"][0] < found["region"]["alpha"][1] < 1.19
    assert len(found["networks"]) == 9
    assert nascale("scale reproduce --infer") == 0
    assert "None of them has α = 1.2" in capsys.readouterr().out


def test_family_prints_writes_and_draws(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = printed(capsys, "scale family mobilenet_v1 --budgets 0.3G,0.6G,1200M --format json --write family")
    assert [row["budget"] for row in rows] == [300_000_000, 600_000_000, 1_200_000_000]
    for row in rows:
        assert {"phi", "depth", "width", "resolution", "params", "macs", "used", "spread"} <= set(row)
        assert {"realised_depth", "realised_width", "realised_resolution", "architecture"} <= set(row)
        assert from_dict(row["architecture"]) == from_json((tmp_path / row["file"]).read_text())
        assert row["realised_resolution"] == row["resolution"] / 224
        assert row["depth"] == pytest.approx(1.2 ** row["phi"]) and row["width"] == pytest.approx(
            1.1 ** row["phi"]
        )
        assert row["spread"] <= max(0.1, 0.35 * abs(row["phi"]))
        assert 0.97 * row["budget"] <= row["macs"] <= row["budget"]
        network = from_json((tmp_path / row["file"]).read_text())
        assert costs(network).macs == row["macs"]
    assert (tmp_path / "family" / "family.png").exists()


def test_family_by_phi_and_by_memory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = printed(capsys, "scale family efficientnet_b0 --phi=-2,0,1 --format json")
    assert [row["phi"] for row in rows] == [-2, 0, 1]
    assert rows[1]["macs"] == 385_814_752
    rows = printed(capsys, "scale family resnet50 --measure memory --budgets 4MB,8MB --format json")
    assert all(0.97 * row["budget"] <= row["activation_bytes"] <= row["budget"] for row in rows)
    assert not list(tmp_path.iterdir())


def test_the_table_of_a_family_shows_what_was_asked_for_and_what_came(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "scale family resnet18@resolution=64 --budgets 1.2G --max-resolution 80"
    assert nascale(line) == 0
    out = capsys.readouterr().out
    for shown in ("rule d w r", "realised d w r", "spread", "1.25", "goes no further than 80 px"):
        assert shown in out
    (row,) = printed(capsys, f"{line} --format json")
    assert (row["resolution"], row["held"]) == (80, "resolution")


def test_a_family_may_be_bounded_by_every_cost() -> None:
    assert set(MEASURES.values()) == set(COST_NAMES)
    assert {"memory": "activation_bytes", "training-memory": "training_bytes"}.items() <= MEASURES.items()


def test_family_writes_only_where_it_was_told_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(to_json(small()))
    rows = printed(capsys, "scale family net.json --budgets 2M --format json")
    assert "file" not in rows[0]
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]
    rows = printed(capsys, "scale family net.json --budgets 2M --format json --write mine")
    assert (tmp_path / rows[0]["file"]).parent.name == "mine"


@pytest.mark.parametrize(
    ("measure", "budget", "shown"),
    [("memory", "8MB", "8.000 MB"), ("macs", "8G", "8.000G"), ("params", "30M", "30.00M")],
)
def test_budgets_are_shown_with_their_unit(
    measure: str, budget: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nascale(f"scale family resnet50 --measure {measure} --budgets {budget}") == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("family efficientnet_b0 --budgets 1K", "error: budget: wanted at least 132,032 macs"),
        (
            "family efficientnet_b0 --budgets 1G --alpha 0.9",
            "alpha: wanted a coefficient of 1 or more, got 0.9",
        ),
        ("family efficientnet_b0", "--budgets, --phi: wanted one of the two"),
        ("family efficientnet_b0 --budgets 1G --phi 1", "--budgets, --phi: wanted one of the two"),
        ("family efficientnet_b0 --phi x", "--phi: wanted numbers such as 0..7"),
        ("family efficientnet_b0 --budgets 1X", "--budgets: wanted a positive number"),
        ("family efficientnet_b0 --budgets 1G --rounding up", "--rounding: no such name 'up'"),
        ("family efficientnet_b9 --budgets 1G", "nearest: efficientnet_b"),
        ("fit absent.csv", "a CSV file that can be read"),
        ("reproduce --gamma 0.5", "gamma: wanted a coefficient of 1 or more"),
        ("search efficientnet_b0 --growth 0.5", "growth: wanted a number above 1, got 0.5"),
        ("search efficientnet_b0 --seeds 1,1 --resolution 32", "seeds: wanted distinct seeds"),
        ("search efficientnet_b0 --rounding up", "rounding: wanted one of"),
        ("search efficientnet_b0 --method best", "method: wanted grid, law or star"),
        (
            "search efficientnet_b0 --method star --centre 0.5",
            "centre: wanted a number of 1 or more, up to",
        ),
        ("search efficientnet_b0 --cooldowns 1", "cooldowns: wanted method star, got 'grid'"),
        ("search efficientnet_b0 --method star --down 1", "down: wanted a number above 1, up to"),
        ("search efficientnet_b0 --plot x.gif", "--plot: wanted a file that ends in .png, .svg, .pdf"),
        ("search efficientnet_b0 --plot missing/x.png", "--plot: wanted a path that can be written"),
        ("reproduce --plot missing/x.png", "--plot: wanted a path that can be written"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    line: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert nascale(f"scale {line}") == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not list(tmp_path.iterdir())


def test_fit_prints_one_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(EFFICIENTNET)
    fit = printed(capsys, "scale fit points.csv --resamples 20 --format json")
    for name, paper in (("alpha", 1.2), ("beta", 1.1), ("gamma", 1.15)):
        assert abs(fit[name] - paper) < 0.1
        assert fit["intervals"][name][0] <= fit[name] <= fit["intervals"][name][1]
    assert fit["rmse"] <= 0.25 and fit["loo_rmse"] > 0 and fit["parameters"]


def test_fit_for_the_eye_and_as_csv(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(EFFICIENTNET)
    assert nascale("scale fit points.csv --law separable --resamples 10") == 0
    assert "Within one RMSE" in capsys.readouterr().out
    assert nascale("scale fit points.csv --law separable --resamples 10 -o fit.csv") == 0
    assert (tmp_path / "fit.csv").read_text().startswith("alpha,beta,gamma,alpha_low")


def test_fit_says_what_was_never_varied(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [f"1,{w},{r},{0.7 + 0.05 * w + 0.03 * r - 0.01 * w * r}" for w in (0.5, 1, 2) for r in (0.5, 1, 2)]
    (tmp_path / "points.csv").write_text("\n".join(["depth,width,resolution,accuracy", *rows]))
    assert nascale("scale fit points.csv --resamples 10 --format json") == 0
    captured = capsys.readouterr()
    assert "depth is never varied, so its coefficient alpha cannot be determined" in captured.err
    assert json.loads(captured.out)["alpha"] is None


def test_fit_of_losses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = rows_of(made_up(star_multipliers(), epochs=(1, 4), slow_depth=0.02, noise=0.002))
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "losses.csv").write_text("\n".join(lines))
    found = printed(capsys, "scale fit losses.csv --format json")
    assert [budget["epochs"] for budget in found["budgets"]] == [1, 4] and found["law"] == "loss"
    assert found["budgets"][0]["alpha"] < found["budgets"][1]["alpha"] == found["alpha"]
    assert nascale("scale fit losses.csv") == 0
    out = capsys.readouterr().out
    assert "epochs from which on depth pays" in out and "after 4 epochs: alpha" in out
    assert nascale("scale fit losses.csv --law ces") == 2
    assert "--law: wanted none: losses have a law of their own" in capsys.readouterr().err


def test_fit_of_several_families(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [
        f"{family},1,{w},{r},{1 - level * w**-e * r**-0.2}"
        for family, level, e in (("a", 0.3, 0.3), ("b", 0.2, 0.2))
        for w in (1, 1.5, 2)
        for r in (1, 2)
    ]
    (tmp_path / "points.csv").write_text("\n".join(["family,depth,width,resolution,accuracy", *rows]))
    found = printed(capsys, "scale fit points.csv --family-column family --format json")
    assert [row["family"] for row in found] == ["a", "b", "another family"]
    assert [row["width"] for row in found] == pytest.approx([0.3, 0.2, 0.25], abs=0.02)
    assert found[0]["width_low"] < 0.3 < found[0]["width_high"]
    assert nascale("scale fit points.csv --family-column kind") == 2
    assert "--family-column: wanted one of family, depth" in capsys.readouterr().err


def small() -> Architecture:
    def stage(channels: int, repeats: int) -> Stage:
        return Stage((MBConv(channels, 3, 2, 2), *(MBConv(channels, 3, 2),) * (repeats - 1)))

    head = (Conv(32, 1), GlobalPool(), Dense())
    return Architecture((Conv(8, 3, 1),), (stage(8, 2), stage(16, 2)), head, 8, 10, name="small")


SEARCH = (
    "scale search net.json --data digits --step 0.2 --tolerance 0.2 --largest 1.6 --macs-tolerance 0.1 "
    "--seeds 0,1 --epochs 1 --fraction 0.1 --workers 0 --storage sqlite:///s.db --format json"
)


def test_search_by_grid_stores_resumes_and_ranks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(to_json(small()))
    assert nascale(f"{SEARCH} --dry-run") == 0
    captured = capsys.readouterr()
    assert "choices of α, β, γ and 3 single dimensions round to" in captured.err
    assert not (tmp_path / "s.db").exists()
    # Stopped after a few epochs, the same command goes on.
    assert nascale(f"{SEARCH} --max-epochs 3") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["trainings"] == 3
    done = printed(capsys, f"{SEARCH} --plot ranking.png")
    assert done["trainings"] == 2 * len(done["ranking"])
    assert done["deviation"] > 0 and done["rounding"] == "released"
    kinds = {row["kind"] for row in done["ranking"]}
    assert {"base", "depth", "width", "resolution", "compound"} <= kinds
    assert (tmp_path / "ranking.png").exists()
    again = printed(capsys, SEARCH)
    assert again["ranking"] == done["ranking"]


def test_search_by_law(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(to_json(small()))
    assert (
        run([*SEARCH.replace("--format json", "").split(), "--method", "law", "--most", "8", "--quiet"]) == 0
    )
    out = capsys.readouterr().out
    assert "trainings in study scaling-small-digits-law" in out
    assert "law" in out


STAR = f"{SEARCH} --method star --most 9 --epochs 2 --cooldowns 1"


def test_search_by_star_shows_its_networks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(to_json(small()))
    assert nascale(f"{STAR} --dry-run") == 0
    captured = capsys.readouterr()
    assert "the star: a centre of" in captured.err
    planned = [row["candidate"] for row in json.loads(captured.out) if row["kind"] == "star"]
    assert "centre" in planned and "depth down 1" in planned and not (tmp_path / "s.db").exists()
    assert nascale(f"{STAR} --most 2") == 2
    assert "so that the whole star is trained, got 2" in capsys.readouterr().err


@pytest.mark.slow
def test_search_by_star_fits_losses_and_resumes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(to_json(small()))
    assert nascale(f"{STAR} --max-epochs 8") == 0
    first = json.loads(capsys.readouterr().out)
    assert 0 < first["trainings"] < 18
    done = printed(capsys, f"{STAR} --plot star.png")
    assert done["trainings"] == 18 and done["method"] == "star"
    loss = done["loss_law"]
    assert loss["points"] == 36 and [budget["epochs"] for budget in loss["budgets"]] == [1, 2]
    for name in ("alpha", "beta", "gamma"):
        low, high = loss["intervals"][name]
        assert 1 <= low <= high
    assert (tmp_path / "star.png").exists()
    assert nascale(STAR.replace("--format json", "")) == 0
    out = capsys.readouterr().out
    assert "after 1 epochs: alpha" in out and "epochs from which on depth pays" in out


def test_the_arithmetic_commands_import_neither_torch_nor_ray(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(EFFICIENTNET)
    lines = (
        "scale reproduce --infer",
        "scale family efficientnet_b0 --budgets 1G",
        "scale fit points.csv --resamples 2",
    )
    code = (
        "import sys; from nascale.cli import run\n"
        "for line in sys.argv[1:]:\n"
        "    assert run(line.split()) == 0, line\n"
        "    assert not {'torch', 'ray'} & set(sys.modules), line\n"
    )
    done = python("-c", code, *lines, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budgets", "1e30"], "budget: wanted less than"),
        (["--budgets", "1G", "--rule", "slow"], "--rule: no such name 'slow'"),
        (["--budgets", "1G", "--rule", "1,2"], "--rule: wanted α,β,γ such as"),
        (["--budgets", "1G", "--rule", "fast", "--alpha", "1.3"], "--rule, --alpha: wanted one of the two"),
        (["--budgets", "1G", "--law", "none.json"], "--law: wanted a file that scale fit"),
        (
            ["--budgets", "1G", "--max-resolution", "100"],
            "--max-resolution: wanted at least 224, the pixels of",
        ),
        (["--phi", "200"], "phi 200: wanted at most 10000 layers"),
        (["--phi", "0..1000000000"], "--phi: wanted at most 100 values"),
        (["--budgets", ",".join(["1G"] * 200)], "--budgets: wanted at most 100 budgets, got 200"),
        (["--budgets", "1e9", "--measure", "latency"], "--budgets: wanted latencies of at most 60 s"),
    ],
)
def test_families_beyond_all_bounds_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scale", "family", "efficientnet_b0", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
