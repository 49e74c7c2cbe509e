"""Checks all that can be checked before anything is written: folder, images, budgets, stock networks, formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nascale.auto.spec import AutoSpec
from nascale.auto.state import FILE, Finalist, State
from nascale.auto.stock import STOCK, stock_networks
from space.architecture import Architecture
from space.codec import to_json
from space.cost import costs
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.export.format import Format
    from evaluators.images.image_set import ImageSet

_FORMATS = ("torch", "onnx", "python")


@dataclass(frozen=True)
class PreparedAuto:
    """Work that can begin, or go on: everything was checked, nothing written. ``state`` is where it stands."""

    spec: AutoSpec
    state: State
    images: ImageSet
    networks: Sequence[tuple[str, Architecture]]
    stock: Sequence[Finalist]
    formats: Sequence[Format]
    warnings: Sequence[str]

    @property
    def merit(self) -> str:
        """The figure that is maximised."""
        return self.spec.search.parsed_objective.merit

    @property
    def slots(self) -> int:
        """Trainings at once."""
        return max(1, self.spec.search.pool.workers)

    def begin(self) -> None:
        """Makes the folder, with the stock networks in it."""
        from evaluators.trainer.room import check_writable
        from results.files import write_file

        folder = self.spec.out
        check_writable(folder)
        (folder / STOCK).mkdir(parents=True, exist_ok=True)
        for finalist, (_, network) in zip(self.stock, self.networks, strict=True):
            write_file(finalist.arch, f"{to_json(network)}\n".encode(), "--out")

    def epoch_seconds(self) -> float:
        """Measures how long an epoch of one network takes, on the processors of one worker."""
        from evaluators.device import limit_threads, pick_device
        from evaluators.trainer.speed import measured_speed
        from nascale.train_spec import train_spec
        from nascale.train_start import start

        spec = train_spec(self.stock[0].arch, self.spec.training_options)
        limit_threads(self.spec.threads, pick_device(spec.training.device))
        training, _ = start(spec, self.networks[0][1], self.images)
        return measured_speed(training).epoch_seconds


def prepare(spec: AutoSpec) -> PreparedAuto:
    """Opens the images and the folder. Raises InputError or BudgetError for what cannot be done."""
    from evaluators.images.duplicates import Duplicates
    from evaluators.images.summary import DataSummary
    from nascale import launch

    state = State.read(spec.out) if spec.out.is_dir() else None
    if state is None:
        _check_new(spec.out)
    elif state.request != spec.request:
        raise InputError.of(
            "--out", "the settings with which it began, or another folder", _changes(spec, state)
        )
    searched = launch.prepare(spec.search)
    images = searched.evaluator.images
    assert images is not None
    summary = DataSummary.of(images)
    known = {
        "name": images.name,
        "checksum": images.describe()["checksum"],
        "split": images.describe()["split"],
    }
    if state is None:
        state = State(spec.out, dict(spec.request), spec.within, data=known)
    elif (state.data["checksum"], state.data["split"]) != (known["checksum"], known["split"]):
        came = f"{spec.out} for images with checksum {state.data['checksum']}, now {known['checksum']}"
        raise InputError.of("--data", "the images with which it began, or another --out", came)
    networks = stock_networks(spec.search, images, searched.cache)
    return PreparedAuto(
        spec,
        state,
        images,
        networks,
        [_finalist(spec, name, network) for name, network in networks],
        _formats(),
        [*summary.warnings, *Duplicates.of(images).warnings()],
    )


def _finalist(spec: AutoSpec, name: str, network: Architecture) -> Finalist:
    found = costs(network)
    objective = spec.search.parsed_objective
    factor = 1.0
    if objective.kind.startswith("mnas"):
        factor = objective.factor(float(found.searched()[objective.cost]))
    path = spec.out.absolute() / STOCK / f"{name}.json"
    return Finalist(name, str(path), True, 0.0, 0.0, 0, factor, found.macs, found.params)


def _check_new(folder: Path) -> None:
    """Raises InputError (``--out``) where ``folder`` cannot be a new one: it holds something, or cannot be written."""
    from evaluators.trainer.room import check_writable

    if folder.exists() and not folder.is_dir():
        raise InputError.of("--out", "a folder", f"the file {folder}")
    if folder.is_dir():
        found = sorted(entry.name for entry in folder.iterdir())
        if found:
            raise InputError.of(
                "--out",
                f"a new or empty folder, or one with {FILE} to go on with",
                f"{folder} with {found[0]}",
            )
    check_writable(folder)


def _changes(spec: AutoSpec, state: State) -> str:
    now, then = spec.request, state.request
    changed = [
        f"{name} {then.get(name)!r}, now {now.get(name)!r}"
        for name in sorted(now.keys() | then.keys())
        if now.get(name) != then.get(name)
    ]
    return f"{spec.out} with {'; '.join(changed)}"


def _formats() -> list[Format]:
    """The formats of the export: those of ``nascale export`` whose packages are installed."""
    from evaluators.export.format import chosen_formats, formats

    known = formats()
    there = [name for name in _FORMATS if all(find_spec(module) for module in known[name].needs)]
    return chosen_formats(",".join(there))
