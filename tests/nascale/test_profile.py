"""``nascale profile`` and ``nascale archs`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nascale.cli import run
from space import zoo
from space.codec import to_json
from space.zoo import ZOO
from tests.processes import python


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_json_holds_the_contract_and_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    b0, alexnet = rows(capsys, "profile", "efficientnet_b0", "alexnet")
    assert {"name", "resolution", "params", "macs", "flops", "activation_bytes"} <= set(b0)
    assert (b0["name"], b0["resolution"], b0["params"], b0["macs"]) == (
        "efficientnet_b0",
        224,
        5_288_548,
        385_814_752,
    )
    assert alexnet["output_bytes"] == 2_366_880
    assert sum(kind["macs"] for kind in b0["kinds"]) == b0["macs"]


def test_settings_reach_the_costs(capsys: pytest.CaptureFixture[str]) -> None:
    (plain,) = rows(capsys, "profile", "resnet18")
    (half,) = rows(capsys, "profile", "resnet18", "--dtype", "float16", "--batch", "4")
    assert half["activation_bytes"] == 2 * plain["activation_bytes"]
    assert half["macs"] == plain["macs"]
    (large,) = rows(capsys, "profile", "resnet18", "--resolution", "448", "--optimizer", "adam")
    assert large["resolution"] == 448
    assert large["macs"] == pytest.approx(4 * plain["macs"], rel=0.01)


def test_files_and_block_strings_are_networks_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(to_json(zoo.architecture("mobilenet_v2@classes=10").replace(name="")))
    blocks = "ds_r1_k3_s1_e1_c16,ir_r2_k3_s2_e6_c24@act=relu6"
    found = rows(capsys, "profile", str(path), "--blocks", blocks)
    assert [row["name"] for row in found] == ["mine", "blocks"]
    assert found[0]["params"] == 2_236_682


def test_layers_in_every_format(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (found,) = rows(capsys, "profile", "alexnet", "--layers")
    first = found["layers"][0]
    assert (first["shape"], first["gemm_m"], first["gemm_n"], first["gemm_k"]) == ("64x55x55", 64, 3025, 363)
    path = tmp_path / "layers.csv"
    assert run(["profile", "alexnet", "--layers", "-o", str(path)]) == 0
    lines = path.read_text().splitlines()
    assert lines[0].startswith("name,path,operation,kind,shape,receptive_field,stride")
    assert len(lines) == 1 + len(found["layers"])


def test_the_field_of_unequal_sides_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = rows(capsys, "profile", "inception_v3", "--layers")
    layer = next(row for row in found["layers"] if row["path"] == "stages.1.1.branch2.1.conv")
    sides = layer["receptive_height"], layer["receptive_width"]
    # 159 pixels at stride 16 reach the first block of this size; seven columns add 6 · 16.
    assert layer["operation"] == "conv 1x7 + norm + relu"
    assert (sides, layer["receptive_field"]) == ((159, 255), 255)
    assert run(["profile", "inception_v3", "--layers"]) == 0
    assert "159x255" in capsys.readouterr().out


def test_a_resolution_too_small_for_the_auxiliary_classifier_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["profile", "inception_v3", "--resolution", "224", "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)[0]["macs"] == 2_837_921_120
    assert "smallest for training is 299" in printed.err
    assert run(["profile", "inception_v3", "--resolution", "74"]) == 2
    assert "smallest that works is 75" in capsys.readouterr().err


def test_the_table_compares_with_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "alexnet", "vgg16"]) == 0
    text = capsys.readouterr().out
    assert "25.5" in text
    assert "21.7" in text
    assert "macs and flops: per image" in text
    assert "89.37 %" in text


def test_a_table_in_a_file_holds_every_part(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    assert run(["profile", "alexnet", "--layers", "-o", str(path)]) == 0
    text = path.read_text()
    assert "shares by kind" in text
    assert "64x3025x363" in text


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot_draws_three_bars(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"bars.{suffix}"
    assert run(["profile", "alexnet", "efficientnet_b0", "--plot", str(path)]) == 0
    assert path.stat().st_size > 10_000
    if suffix == "svg":
        text = path.read_text()
        for expected in (
            "alexnet: parameters, 61.1M",
            "714M MACs",
            "conv1",
            "fc8",
            "stage 7",
            "linear layers",
        ):
            assert expected in text


def test_a_cell_is_named_by_the_string_of_its_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    text = "+".join("|" + "|".join(f"nor_conv_3x3~{i}" for i in range(n)) + "|" for n in (1, 2, 3))
    (found,) = rows(capsys, "profile", text)
    assert (found["name"], found["macs"], found["params"]) == (text, 220_119_680, 1_531_546)


def test_it_says_what_has_no_part_in_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "|none~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|"]) == 0
    # A 1×1 convolution with its normalisation in each of 15 cells.
    assert "28.00K params and 3.932M MACs have no part in the output" in capsys.readouterr().err


def test_latency_beside_the_roofline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path))
    (found,) = rows(capsys, "profile", "mobilenet_v3_small", "--resolution", "32", "--device", "cpu")
    assert found["latency_seconds"] > 0
    assert found["roofline_seconds"] > 0
    cached = (tmp_path / "machines.json").read_text()
    rows(capsys, "profile", "mobilenet_v3_small", "--resolution", "32", "--device", "cpu")
    assert (tmp_path / "machines.json").read_text() == cached


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "ARCH: wanted the name of a network"),
        (["resnet5"], "nearest: resnet50"),
        (["alexnet", "--resolution", "40"], "layer stages.1.3.pool"),
        (["alexnet", "--dtype", "float12"], "nearest: float32"),
        (["alexnet", "--batch", "0"], "batch: wanted a positive whole number"),
        (["alexnet", "--plot", "bars.bmp"], "--plot: wanted a file that ends in .png, .svg"),
        (["alexnet", "--device", "cpu", "--dtype", "int8"], "--device: wanted --dtype float32"),
        (["--blocks", "ir_r1_k3"], "wanted the fields r, k, s, e, c"),
        (["absent.json"], "absent.json"),
        (["|nor_conv_3x3~0|+|none~0|"], "cell: wanted text such as |nor_conv_3x3~0|"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_archs_lists_every_network_and_filters(capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["name"] for row in rows(capsys, "archs")] == list(ZOO)
    assert run(["archs", "efficientnet_b*", "--max-macs", "1G", "--sort", "macs", "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert [row["name"] for row in json.loads(captured.out)] == [f"efficientnet_b{i}" for i in range(3)]
    assert captured.err == "macs ≤ 1.000G\n"
    assert run(["archs", "vgg*", "--sort", "training_bytes"]) == 0
    assert "training_bytes" in capsys.readouterr().out
    assert run(["archs", "efficientnt*"]) == 2
    assert "PATTERN: no such name 'efficientnt*'" in capsys.readouterr().err


def test_profile_needs_neither_torch_nor_ray() -> None:
    code = (
        "import sys; from nascale.cli import run; run(['profile', 'resnet18']); run(['archs', 'vgg*']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'ray', 'pandas')))"
    )
    finished = python("-c", code)
    assert finished.returncode == 0, finished.stderr
