"""The card: its header is read by a YAML parser, its programs are run, its figures are looked up."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image

from evaluators.export.card import CARD, card
from evaluators.export.card_sections import Story, command_of, source_name
from evaluators.export.subject import Subject
from tests.evaluators.export.conftest import Exported
from tests.processes import python

OUTSIDE = """
import sys
for name in ("nascale", "search", "evaluators", "results", "space"):
    sys.modules[name] = None
sys.path.insert(0, ".")
for program in PROGRAMS:
    exec(program, {})
"""


def programs(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_card_run_beside_the_files_alone(exported: Exported, tmp_path: Path) -> None:
    folder = shutil.copytree(exported.folder, tmp_path / "alone")
    images = exported.run.images()
    pixels = np.kron(images.images[images.test[0]][..., 0] * 15, np.ones((4, 5), np.uint8))
    Image.fromarray(pixels).save(folder / "photo.jpg")
    decoded = np.asarray(Image.open(folder / "photo.jpg"))[None, ..., None]
    with torch.no_grad():
        wanted = Subject(exported.run, images).deployed(torch.from_numpy(decoded.copy()))[1].item()
    text = (folder / CARD).read_text(encoding="utf-8")
    found = [p for p in programs(text) if "model_timm" not in p or find_spec("timm") is not None]
    done = python("-I", "-c", f"PROGRAMS = {found!r}{OUTSIDE}", cwd=folder)
    assert done.returncode == 0, done.stderr
    said = [line.split()[0] for line in done.stdout.splitlines()]
    runnable = [row.format for row in exported.certificate.rows if row.images and row.format != "nascale"]
    assert len(said) == len(found) == len(runnable)
    # 8 bits of an untrained network may say anything; its program comes last.
    assert said[:-1] == [exported.run.classes[wanted]] * (len(found) - 1)


def test_the_header_is_yaml_that_hugging_face_reads(exported: Exported) -> None:
    subject = Subject(exported.run, exported.run.images())
    text = card(subject, exported.certificate, Story(licence="apache-2.0"))
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["license"] == "apache-2.0"
    assert header["pipeline_tag"] == "image-classification"
    result = header["model-index"][0]["results"][0]
    assert result["dataset"]["split"] == "validation"
    assert result["metrics"][0]["value"] == 0.1
    assert "license" not in yaml.safe_load(card(subject, exported.certificate, Story()).split("---\n")[1])


def test_looks_at_the_test_images_come_first(exported: Exported) -> None:
    look = {
        "images": 359,
        "accuracy": 0.25,
        "low": 0.2081,
        "high": 0.2972,
        "balanced_accuracy": 0.24,
        "temperature": 1.5,
        "weights": exported.run.weights_checksum(),
        "command": "/somewhere/bin/nascale test run",
    }
    other = {**look, "accuracy": 0.9182, "weights": "of another training"}
    run = replace(exported.run, tests=(other, look))
    text = card(Subject(run, run.images()), exported.certificate, Story())
    assert "| test, look 1 of 1 | 359 | 0.2500 | 0.2081–0.2972 | 0.2400 |" in text
    assert "temperature of 1.50" in text
    assert "0.9182" not in text  # a latency may be 0.99 ms
    assert "\nnascale test run\n" in text
    assert (
        yaml.safe_load(text.split("---\n")[1])["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.25
    )


def test_the_card_counts_the_images_of_each_class(exported: Exported) -> None:
    images = exported.run.images()
    text = (exported.folder / CARD).read_text(encoding="utf-8")
    counts = [int((images.labels[split] == 3).sum()) for split in images.splits.values()]
    assert f"| 3 | {counts[0]} | {counts[1]} | {counts[2]} |" in text
    assert images.checksum in text
    assert exported.run.weights_checksum() in text


def test_commands_and_sources_are_told_without_the_way_to_them() -> None:
    assert command_of("/a/venv/bin/nascale train x --out 'my run'") == "nascale train x --out 'my run'"
    assert command_of("/a/nascale/__main__.py test run") == "nascale test run"
    assert command_of("python tool.py") == "python tool.py"
    assert [source_name(s) for s in ("digits", "folder:/home/me/photos", "hf:user/set")] == [
        "digits",
        "photos",
        "hf:user/set",
    ]
