"""``torch``: a program of torch.export, run by ``torch.export.load(file).module()``."""

from __future__ import annotations

from pathlib import Path

from evaluators.export.format import Format
from evaluators.export.quiet import quiet
from evaluators.export.subject import Subject

METADATA = "metadata.json"
"""The extra file in the archive with the classes and the preprocessing."""


def write(subject: Subject, folder: Path) -> None:
    """Writes the program and its metadata."""
    import json

    import torch

    with quiet():
        torch.export.save(
            subject.program,
            folder / TORCH.files[0],
            extra_files={METADATA: json.dumps(subject.metadata, ensure_ascii=False)},
        )


TORCH = Format(
    name="torch",
    description="a torch.export program (.pt2)",
    files=("model.pt2",),
    write=write,
    runner="torch",
    rank=1,
)
