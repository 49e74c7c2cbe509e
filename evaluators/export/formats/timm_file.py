"""``timm``: a file that registers a network of the MBConv family with timm, and the weights under timm's names.

It is run, and so compared, where timm is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.export.certificate import versions
from evaluators.export.format import Format
from evaluators.export.subject import Subject

if TYPE_CHECKING:
    from evaluators.export.timm_source.source import TimmSource


def _source(subject: Subject) -> TimmSource:
    """The file's text. Raises InputError for a network that timm does not build."""
    from evaluators.export.timm_source.source import timm_source_of

    run = subject.run
    return timm_source_of(run.architecture, run.classes, run.preprocessing)


def check(subject: Subject) -> None:
    """Raises InputError for a network that timm does not build."""
    _source(subject)


def write(subject: Subject, folder: Path) -> None:
    """Writes the file and the weights."""
    from safetensors.torch import save_file

    source = _source(subject)
    weights = source.weights(subject.network.state_dict())
    (folder / TIMM.files[0]).write_text(source.text, encoding="utf-8")
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    save_file(tensors, folder / TIMM.files[1], metadata={**subject.metadata, "blocks": source.block_string})


TIMM = Format(
    name="timm",
    description="a model of timm (networks of the MBConv family) and its weights",
    files=("model_timm.py", "model_timm.safetensors"),
    write=write,
    runner="python" if versions(("timm",)) else None,
    rank=4,
    photos=True,
    check=check,
)
