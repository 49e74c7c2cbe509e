"""The checkpoint of a training: one file, replaced in one step, that says whether it is whole.

The first line names the format and a digest of what follows, which ``torch.load`` reads without running any code. A
file that was cut off or damaged is refused: going on from other weights than those that were trained is worse than
not going on.
"""

from __future__ import annotations

import io
import pickle
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from results.files import write_file
from space.errors import InputError

CHECKPOINT = "checkpoint.pt"
_FORMAT = "nascale checkpoint 1"


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replaces the checkpoint in one step. Raises InputError (``--out``) where it cannot be written."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    write_file(path, b"%s %s\n%s" % (_FORMAT.encode(), _digest(content), content), "--out")


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """What ``write_checkpoint`` wrote; None where there is no file.

    Raises InputError (``--out``) for a file that is cut off, damaged or none of ours.
    """
    try:
        file = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError.of("--out", "a checkpoint that can be read", f"{path} ({error.strerror})") from None
    head, _, content = file.partition(b"\n")
    if head != b"%s %s" % (_FORMAT.encode(), _digest(content)):
        raise damaged(path)
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        raise damaged(path) from None
    return state


def damaged(path: Path) -> InputError:
    """The error for a checkpoint from which nothing can go on."""
    wanted = "a run whose checkpoint is whole (delete the folder to train anew)"
    return InputError.of("--out", wanted, f"{path}, which is cut off or damaged")


def _digest(content: bytes | memoryview) -> bytes:
    return blake2b(content, digest_size=16).hexdigest().encode()
