"""Image sets written to disk, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_npz(
    path: Path, n: int = 40, classes: int = 4, shape: tuple[int, ...] = (6, 6, 3), **changes: object
) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, object] = {
        "x_train": rng.integers(0, 256, (n, *shape), dtype=np.uint8),
        "y_train": np.arange(n) % classes,
        "x_test": rng.integers(0, 256, (n // 4, *shape), dtype=np.uint8),
        "y_test": np.arange(n // 4) % classes,
        **changes,
    }
    np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]
    return path


def write_folder(root: Path, parts: tuple[str, ...] = ("",), classes: int = 3, each: int = 6) -> Path:
    for part in parts:
        for label in range(classes):
            folder = root / part / f"class{label}"
            folder.mkdir(parents=True)
            for i in range(each):
                Image.new("RGB", (20, 16), (60 * label, 10 * i, 128)).save(folder / f"{i}.png")
    return root
