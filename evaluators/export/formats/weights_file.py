"""``safetensors``: the weights alone, under the names that they have in ``model.py``.

The file that a training leaves (``best.safetensors``) has the same tensors under nascale's own names.
"""

from __future__ import annotations

from pathlib import Path

from evaluators.export.format import Format
from evaluators.export.subject import Subject

WEIGHTS = "model.safetensors"


def write_weights(subject: Subject, folder: Path) -> None:
    """Writes the weights; classes and preprocessing go into the file's metadata."""
    from safetensors.torch import save_file

    names = subject.source.names
    tensors = {names[name]: tensor.contiguous() for name, tensor in subject.network.state_dict().items()}
    save_file(tensors, folder / WEIGHTS, metadata=subject.metadata)


SAFETENSORS = Format(
    name="safetensors",
    description="the weights alone, under the names of model.py",
    files=(WEIGHTS,),
    write=write_weights,
    runner=None,
    rank=5,
)
