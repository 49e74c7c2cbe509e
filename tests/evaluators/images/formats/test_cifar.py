"""CIFAR's own files."""

from __future__ import annotations

import pickle
import sys
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


def test_a_module_that_a_batch_names_is_not_imported(tmp_path: Path) -> None:
    """``numpy.f2py.__main__`` is a program that runs when it is imported."""
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(b"\x80\x02cnumpy.f2py.__main__\nndarray\n)R.")
    before = set(sys.modules)
    with pytest.raises(InputError, match=r"data_batch_1: .*holds numpy\.f2py\.__main__\.ndarray"):
        load(f"cifar10:{tmp_path}")
    assert not [name for name in set(sys.modules) - before if name.startswith("numpy.f2py")]


def test_a_batch_of_nested_lists_is_no_array(tmp_path: Path) -> None:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(pickle.dumps({b"data": [[1] * 3072] * 3, b"labels": [0, 1, 2]}))
    with pytest.raises(InputError, match="no array of whole numbers"):
        load(f"cifar10:{tmp_path}")


def test_files_of_more_than_is_allowed_are_not_read(tmp_path: Path) -> None:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(bytes(1000))
    with pytest.raises(InputError, match=r"wanted files of at most 5,999 bytes .*got 6,000 bytes"):
        load(f"cifar10:{tmp_path}", max_image_bytes=5999)
