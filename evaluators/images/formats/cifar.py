"""CIFAR-10 and CIFAR-100 as Krizhevsky publishes them: python batches or binary files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.images import plain_pickle
from evaluators.images.allowance import check_bytes
from evaluators.images.files import kind_of
from evaluators.images.source import Source, SourceFormat, SourceRequest, fingerprint, stamp
from space.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PIXELS = 32 * 32 * 3


def read(request: SourceRequest, *, fine: bool) -> Source:
    """CIFAR-100 with its fine labels where ``fine``, else CIFAR-10; the folder as it unpacks, or the one above it."""
    path, name = request.path, request.name
    if fine:
        folders = ("cifar-100-python", "cifar-100-binary")
        layouts = [(["train"], ["test"]), (["train.bin"], ["test.bin"])]
    else:
        folders = ("cifar-10-batches-py", "cifar-10-batches-bin")
        batches = [f"data_batch_{i}" for i in range(1, 6)]
        layouts = [(batches, ["test_batch"]), ([f"{b}.bin" for b in batches], ["test_batch.bin"])]
    for root in (path, *(path / folder for folder in folders)):
        for train, test in layouts:
            if any(kind_of(root / file) == "a file" for file in train):
                missing = [file for file in (*train, *test) if kind_of(root / file) != "a file"]
                if missing:
                    wanted = f"{len(train)} training files and a test file"
                    raise InputError.of(name, wanted, f"no {missing[0]}")
                files = [(root / file, 0) for file in train] + [(root / file, 2) for file in test]
                check_bytes(name, sum(file.stat().st_size for file, _ in files), request.max_bytes, "files")
                return _source(name, files, fine)
    raise InputError.of(name, "CIFAR's python batches or binary files", f"none in {path}")


def _source(name: str, files: list[tuple[Path, int]], fine: bool) -> Source:
    read_file = _binary if files[0][0].suffix == ".bin" else _pickled
    arrays = [(*read_file(name, file, fine), part) for file, part in files]
    count = sum(len(images) for images, _, _ in arrays)
    mark = fingerprint("cifar", [stamp(file) for file, _ in files])
    given = {part: ", ".join(file.name for file, of in files if of == part) for part in (0, 2)}
    return Source(name, count, (32, 32, 3), lambda: iter(arrays), fingerprint=mark, given=given)


def _planes(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of 3,072 bytes, one colour plane after another → (n, 32, 32, 3)."""
    import numpy as np

    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _pickled(name: str, file: Path, fine: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import numpy as np

    try:
        batch = plain_pickle.load(file.read_bytes())
        images = _whole_numbers(batch[b"data"]).astype(np.uint8, casting="same_kind").reshape(-1, _PIXELS)
        labels = _whole_numbers(batch[b"fine_labels" if fine else b"labels"]).astype(np.int64)
        if labels.ndim != 1:
            raise ValueError(f"labels of shape {labels.shape}")
    except Exception as error:  # a broken pickle raises nearly anything
        came = f"{type(error).__name__}: {error}"
        raise InputError.of(f"{name} {file.name}", "a CIFAR python batch", came) from None
    if len(images) != len(labels):
        raise InputError.of(f"{name} {file.name}", f"{len(images)} labels", len(labels))
    return _planes(images), labels


def _whole_numbers(value: Any) -> NDArray[Any]:
    """An array of whole numbers, or a plain list of them: a list of lists could be far larger than its pickle."""
    import numpy as np

    if isinstance(value, list) and all(type(one) is int for one in value):
        value = np.array(value, dtype=np.int64)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
        raise TypeError("no array of whole numbers")
    return value


def _binary(name: str, file: Path, fine: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import numpy as np

    lead = 2 if fine else 1  # CIFAR-100 puts the coarse label before the fine one
    raw = np.frombuffer(file.read_bytes(), np.uint8)
    if len(raw) == 0 or len(raw) % (lead + _PIXELS):
        raise InputError.of(f"{name} {file.name}", f"records of {lead + _PIXELS} bytes", f"{len(raw)} bytes")
    rows = raw.reshape(-1, lead + _PIXELS)
    return _planes(rows[:, lead:]), rows[:, lead - 1].astype(np.int64)


CIFAR10 = SourceFormat(
    "cifar10",
    "DIR",
    "Krizhevsky's CIFAR-10 as it unpacks: python batches or binary files",
    partial(read, fine=False),
    marks=("data_batch_1*", "cifar-10-batches-*"),
)
CIFAR100 = SourceFormat(
    "cifar100",
    "DIR",
    "CIFAR-100 with its fine labels: python files or binary ones",
    partial(read, fine=True),
    marks=("cifar-100-*",),
)
