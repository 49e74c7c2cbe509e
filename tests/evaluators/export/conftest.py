"""One small network, exported once for all tests of this package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluators.export.certificate import Certificate, Row
from evaluators.export.exporting import ExportSettings, export
from evaluators.export.format import formats
from evaluators.trained.run_folder import EXPORT, TrainedRun
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv, SqueezeExcite
from tests.evaluators.trained.made_run import made_run

SMALL = Architecture(
    (Conv(8),),
    (Stage((MBConv(8, stride=2, expansion=2, squeeze_excite=SqueezeExcite()), MBConv(8, expansion=2))),),
    (GlobalPool(), Dense()),
    resolution=16,
    classes=10,
    in_channels=1,
)


@dataclass(frozen=True)
class Exported:
    """An export, its run and what it reported."""

    run: TrainedRun
    certificate: Certificate
    lines: list[str]

    @property
    def folder(self) -> Path:
        return self.run.folder / EXPORT

    def row(self, name: str) -> Row:
        return next(row for row in self.certificate.rows if row.format == name)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The small network in every format; what it answers to digits is random, so 8 bits may cost it anything."""
    run = made_run(tmp_path_factory.mktemp("exported") / "run", SMALL)
    lines: list[str] = []
    settings = ExportSettings(photos=100, force=True)
    certificate = export(run, list(formats().values()), settings, report=lines.append)
    return Exported(run, certificate, lines)
