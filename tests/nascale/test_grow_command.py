"""``nascale grow``: what it says of a member of a family, what a training takes from it, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nascale.cli import run as call
from space.codec import to_json
from space.scaling import scale
from tests.evaluators.test_training import NET
from tests.evaluators.trained.made_run import made_run


def test_a_member_starts_with_what_the_run_has_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = made_run(tmp_path / "run", NET).architecture
    members = tmp_path / "family.json"
    (tmp_path / "net.json").write_text(to_json(small))
    line = [
        "scale",
        "family",
        str(tmp_path / "net.json"),
        "--phi",
        "4",
        "--format",
        "json",
        "-o",
        str(members),
    ]
    assert call(line) == 0
    (row,) = json.loads(members.read_text())
    (tmp_path / "member.json").write_text(json.dumps(row))
    member, weights = str(tmp_path / "member.json"), str(tmp_path / "run" / "grown.safetensors")
    assert call(["grow", str(tmp_path / "run"), "--to", member]) == 0
    said = capsys.readouterr().out
    assert "stages.0: 3 → " in said and f"resolution: {small.resolution} → " in said
    assert "\nthe same function: logits differ by at most" in said and "not quite" not in said
    assert "accuracy on them: RUN 0." in said and said.count("\n") > 4
    options = ["--data", "digits", "--epochs", "1", "--fraction", "0.2", "--threads", "1", "--device", "cpu"]
    assert call(["train", member, "--init", weights, "--out", str(tmp_path / "grown"), *options]) == 0
    said = capsys.readouterr().out
    assert (
        f"tensors of {weights} fit\n" in said and "of another shape" not in said and "not in the" not in said
    )


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("narrow", "--to: wanted at least the "),
        ("mobilenet_v1@resolution=32", "--to: wanted as many stages as RUN has, 1, got 5"),
        ("resnet18@resolution=32,classes=5", "--to: wanted a network for the 10 classes of the images"),
        ("nowhere.json", "nowhere.json"),
    ],
)
def test_what_is_smaller_or_another_network_is_refused(
    to: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_run(tmp_path / "run", NET)
    if to == "narrow":
        to = str(tmp_path / "narrow.json")
        Path(to).write_text(to_json(scale(NET, width=0.5)))
    out = tmp_path / "grown.safetensors"
    assert call(["grow", str(tmp_path / "run"), "--to", to, "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and not out.exists()


def test_the_weights_are_a_safetensors_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["grow", str(tmp_path), "--to", "resnet18", "--out", "grown.pt"]) == 2
    assert "--out: wanted a file ending in .safetensors, got 'grown.pt'" in capsys.readouterr().err
