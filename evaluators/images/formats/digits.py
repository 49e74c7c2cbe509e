"""The handwritten digits that scikit-learn ships: small, and there wherever nascale is installed."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

from evaluators.images.source import Source, SourceFormat, SourceRequest
from space.errors import InputError


def read(request: SourceRequest) -> Source:
    """The digits; no split of their own."""
    import numpy as np

    spec = importlib.util.find_spec("sklearn")
    roots = [] if spec is None else [Path(p) for p in spec.submodule_search_locations or ()]
    files = [f for f in (root / "datasets" / "data" / "digits.csv.gz" for root in roots) if f.exists()]
    if not files:
        raise InputError.of("data", "scikit-learn, which ships the digits", "an environment without it")
    # The file is read directly: importing scikit-learn would take a second.
    with gzip.open(files[0], "rt") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    images = np.rint(table[:, :64].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = table[:, 64].astype(np.int64)
    return Source(request.name, len(images), (8, 8, 1), lambda: iter([(images, labels, -1)]))


DIGITS = SourceFormat(
    "digits", "", "1,797 handwritten digits of 8×8 pixels (UCI optdigits) that scikit-learn ships", read
)
