"""A checkpoint comes back as it was, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluators.trainer.checkpoint import read_checkpoint, write_checkpoint
from space.errors import InputError

STATE = {"epoch": 3, "rows": [{"accuracy": 0.1 + 0.2, "average": None}], "weights": {"a": torch.arange(40.0)}}


def test_it_comes_back(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c.pt", STATE)
    state = read_checkpoint(tmp_path / "c.pt")
    assert state is not None
    assert torch.equal(state.pop("weights")["a"], STATE["weights"]["a"])  # type: ignore[index]
    assert state == {"epoch": 3, "rows": STATE["rows"]}
    assert read_checkpoint(tmp_path / "other.pt") is None


@pytest.mark.parametrize("where", [0, 20, 60, 300, -1])
def test_any_changed_byte_is_found(tmp_path: Path, where: int) -> None:
    path = tmp_path / "c.pt"
    write_checkpoint(path, STATE)
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"--out: wanted a run whose checkpoint is whole .*cut off or damaged"
    ):
        read_checkpoint(path)


@pytest.mark.parametrize("length", [0, 10, 500])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "c.pt"
    write_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match="cut off or damaged"):
        read_checkpoint(path)
