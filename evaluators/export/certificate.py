"""The certificate: every exported file against the network that was trained, on the same photos.

Classes and logits are compared on the test photos, whose labels that takes no look at. Accuracies, and with them the
verdict on quantised files, are those of the validation images; test accuracies are told only of a network that
``nascale test`` has tested before: they then say nothing new.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from evaluators.export.outputs import Agreement

FORMAT = 1
TOLERANCE = 1e-4
"""How far the logits of a file may be from the network's, as a share of an image's largest logit."""
POINT = 0.01
"""How much accuracy a quantised file may lose."""
_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime", "timm")
REFERENCE = "nascale"
"""The row of the network itself."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was found of one format. ``files`` are its files with their SHA-256 sums, ``bytes`` their sizes together.

    Latencies are medians of one photo at a time. ``problem`` says what is wrong with the format, if anything is;
    ``written`` whether its files are in the folder all the same.
    """

    format: str
    description: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    bytes: int | None = None
    images: int | None = None
    same_class: int | None = None
    probability_difference: float | None = None
    logit_difference: float | None = None
    relative_difference: float | None = None
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    latency_seconds: float | None = None
    problem: str | None = None
    written: bool = True

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Row:
        return cls(**document)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What ``certificate.json`` holds. ``weights`` is the SHA-256 sum of the run's weights.

    ``split`` and ``photos`` say on which images the formats were compared, ``validation_images`` on how many the
    accuracies were measured.
    """

    name: str
    weights: str
    input: str
    split: str
    photos: int
    validation_images: int
    threads: int
    rows: tuple[Row, ...]
    tolerance: float = TOLERANCE
    machine: str = field(default_factory=lambda: f"{platform.machine()} {platform.system()}")
    packages: Mapping[str, str] = field(default_factory=lambda: versions(_PACKAGES))

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each format that is not what was measured."""
        return tuple(f"{row.format}: {row.problem}" for row in self.rows if row.problem)

    @property
    def left_out(self) -> tuple[str, ...]:
        """One sentence for each format that was not written."""
        return tuple(f"{row.format}: {row.problem}" for row in self.rows if not row.written)

    @property
    def files(self) -> frozenset[str]:
        """All files that it certifies, or that were written by force."""
        return frozenset(name for row in self.rows if row.written for name in row.files)

    def to_json(self) -> dict[str, Any]:
        """The document of ``certificate.json``."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Certificate:
        """What ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        fields = dict(document)
        if fields.pop("format") != FORMAT:
            raise ValueError("another format of certificate")
        return cls(**{**fields, "rows": tuple(Row.of_json(row) for row in fields["rows"])})

    def table(self) -> list[dict[str, Any]]:
        """The rows as they are printed."""
        return [
            {
                "format": row.format,
                "file": next(iter(row.files), None) if row.written else None,
                "bytes": row.bytes,
                "same_class": None if row.images is None else f"{row.same_class}/{row.images}",
                "logit_difference": exponent(row.logit_difference),
                "relative_difference": exponent(row.relative_difference),
                "validation_accuracy": row.validation_accuracy,
                "test_accuracy": row.test_accuracy,
                "latency_seconds": row.latency_seconds,
                "problem": row.problem,
            }
            for row in self.rows
        ]


def exponent(value: float | None) -> str | None:
    """A small number as ``3.1e-06``."""
    return None if value is None else f"{value:.1e}"


def verdict(found: Agreement, accuracy: float, wanted: float, quantised: bool) -> str | None:
    """What is wrong with a format of this agreement and validation accuracy; None where nothing is."""
    if quantised:
        lost = wanted - accuracy
        return f"loses {100 * lost:.1f} points of validation accuracy" if lost > POINT else None
    if found.same_class < found.images:
        return f"another class for {found.images - found.same_class} of {found.images} photos"
    if not found.relative_difference <= TOLERANCE:
        return f"logits differ by {found.relative_difference:.1e} of the largest (allowed: {TOLERANCE:.0e})"
    return None


def checksum(path: Path) -> str:
    """The SHA-256 sum of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
