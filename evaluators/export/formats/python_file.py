"""``python``: the network as a file of plain PyTorch that a person can read and change, with its weights beside it."""

from __future__ import annotations

from pathlib import Path

from evaluators.export.format import Format
from evaluators.export.formats.weights_file import WEIGHTS, write_weights
from evaluators.export.subject import Subject


def write(subject: Subject, folder: Path) -> None:
    """Writes the file and the weights."""
    (folder / PYTHON.files[0]).write_text(subject.source.text, encoding="utf-8")
    write_weights(subject, folder)


PYTHON = Format(
    name="python",
    description="a readable file of plain PyTorch (.py) and its weights",
    files=("model.py", WEIGHTS),
    write=write,
    runner="python",
    rank=3,
    photos=True,
)
