"""CIFAR's own files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from evaluators.data import load
from space.errors import InputError


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_cifar_s_own_files_load(tmp_path: Path, fine: bool, binary: bool) -> None:
    rng = np.random.default_rng(0)
    names = ["train", "test"] if fine else [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    planes = {name: rng.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8) for name in names}
    for name, pixels in planes.items():
        labels = np.arange(20) % 10
        if binary:
            lead = [np.zeros((20, 1), np.uint8)] if fine else []
            rows = np.concatenate([*lead, labels[:, None].astype(np.uint8), pixels.reshape(20, -1)], axis=1)
            (tmp_path / f"{name}.bin").write_bytes(rows.tobytes())
        else:
            key = b"fine_labels" if fine else b"labels"
            (tmp_path / name).write_bytes(
                pickle.dumps({b"data": pixels.reshape(20, -1), key: labels.tolist()})
            )
    images = load(f"cifar{100 if fine else 10}:{tmp_path}")
    assert np.array_equal(images.images[0], planes[names[0]][0].transpose(1, 2, 0))
    assert np.array_equal(images.images[-1], planes[names[-1]][-1].transpose(1, 2, 0))
    assert len(images.test) == 20 and images.labels[:3].tolist() == [0, 1, 2]


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("ran",))


def test_a_cifar_batch_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(InputError, match=r"data_batch_1: wanted a CIFAR python batch.*print"):
        load(f"cifar10:{tmp_path}")
    assert "ran" not in capsys.readouterr().out
