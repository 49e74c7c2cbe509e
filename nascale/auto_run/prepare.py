"""Checks all that can be checked before anything is written: folder, images, budgets, stock networks, formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nascale import launch
from nascale.architectures import resolve
from nascale.auto_run.augmentation import Options, candidates
from nascale.auto_run.more_images import OPTION, SHARE
from nascale.auto_run.plan import Fidelity, stock_size
from nascale.auto_run.spec import MEASURED, SEARCHED, AutoSpec
from nascale.auto_run.state import FILE, Finalist, State
from space.architecture import Architecture
from space.at_budget import used, widened
from space.codec import to_json
from space.cost import costs
from space.errors import InputError
from space.stock import label

if TYPE_CHECKING:
    from evaluators.export.format import Format
    from evaluators.images.image_set import ImageSet
    from search.stock import StockCandidate

STOCK, WIDENED = "stock", "widened"
"""The folders of the stock networks, and of found ones that were made wider."""
_FORMATS = ("torch", "onnx", "python")
_OBJECTIVE = "objective of the search"
"""The decision by which a state says what its search maximises."""
_MEASURED = 2
_FEWEST_TRIALS = 10
_MOSTLY_USED = 0.9
"""The share of a budget from which on a network stays as it is."""
_MORE = 2
"""A search may have so many times the trials that are expected: what ends it is the time."""


@dataclass(frozen=True)
class PreparedAuto:
    """Work that can begin, or go on: everything was checked, nothing written. ``state`` is where it stands."""

    spec: AutoSpec
    state: State
    searched: launch.Prepared
    images: ImageSet
    stock: Sequence[Finalist]
    formats: Sequence[Format]
    warnings: Sequence[str]

    @property
    def searched_merit(self) -> str:
        """The figure that the search maximises."""
        return self.spec.search.parsed_objective.merit

    @property
    def merit(self) -> str:
        """The figure that the longer trainings, which have equal time, are judged by."""
        return "accuracy" if self.searched_merit == SEARCHED else self.searched_merit

    @property
    def slots(self) -> int:
        """Trainings at once."""
        return max(1, self.spec.search.pool.workers)

    @property
    def more_images(self) -> Options:
        """Options with which the last training learns from validation images too.

        None where there are no test images: then the validation images are all that says how good it is.
        """
        share = self.spec.trained_validation
        if share is None:
            share = SHARE if len(self.images.test) else 0.0
        return {OPTION: share} if share else {}

    @property
    def augmentations(self) -> Sequence[Options]:
        """Those that are worth a try beside what was asked for."""
        spec = self.spec
        return candidates(spec.given) if spec.auto_augment == MEASURED else []

    def begin(self) -> None:
        """Makes the folder, with the stock networks in it."""
        from evaluators.trainer.room import check_writable
        from results.files import write_file

        folder = self.spec.out
        check_writable(folder)
        (folder / STOCK).mkdir(parents=True, exist_ok=True)
        for finalist in self.stock:
            network = self._network(finalist)
            write_file(finalist.arch, f"{to_json(network)}\n".encode(), "--out")

    def _network(self, finalist: Finalist) -> Architecture:
        """The stock network of this name."""
        known = {one.name: one.candidate.architecture for one in self.searched.stock}
        network = known[finalist.name]
        assert network is not None
        return network

    def epoch_seconds(self) -> float:
        """Measures how long an epoch of one network takes on the processors of one worker: the mean of two stock networks."""
        from evaluators.device import limit_threads, pick_device
        from evaluators.trainer.speed import measured_speed
        from nascale.train_spec import train_spec
        from nascale.train_start import start

        seconds = []
        for finalist in self.stock[:_MEASURED]:
            spec = train_spec(finalist.arch, self.spec.training_options)
            limit_threads(self.spec.threads, pick_device(spec.training.device))
            training, _ = start(spec, self._network(finalist), self.images)
            seconds.append(measured_speed(training).epoch_seconds)
        return sum(seconds) / len(seconds)

    def widened(self, finalist: Finalist, most_macs: float) -> Finalist | None:
        """The network as wide as the budgets and ``most_macs`` allow, in a file of its own; what the search measured is that of the
        narrow one.

        None where that is hardly wider, and where more is asked of a network than to be within budgets that follow from its
        architecture: a reward that falls with a cost, a latency.
        """
        from results.files import write_file

        spec = self.spec.search
        if spec.parsed_objective.costs_used or spec.budgets.max_latency is not None:
            return None
        base = resolve(finalist.arch, spec.storage)
        budgets = spec.budgets.of_architecture
        bounds = {**budgets, "macs": min(most_macs, budgets.get("macs", most_macs))}
        network = widened(base, bounds) if used(bounds, base) < _MOSTLY_USED else None
        if network is None:
            return None
        network = replace(network, name=label(base.label, base, network, base.resolution))
        name, found = label(finalist.name, base, network, base.resolution), costs(network)
        path = self.spec.out.absolute() / WIDENED / f"{slug(name)}.json"
        path.parent.mkdir(exist_ok=True)
        write_file(path, f"{to_json(network)}\n".encode(), "--out")
        return replace(finalist, name=name, arch=str(path), macs=found.macs, params=found.params)

    def search(self, how: Fidelity, seconds: float) -> launch.Prepared:
        """The search of this fidelity, ready to run for so many seconds."""
        from evaluators.training import TrainEvaluator

        spec = self.spec.search.replace(
            epochs=how.epochs,
            fraction=how.fraction,
            trials=max(_FEWEST_TRIALS, round(_MORE * how.trials)),
            max_seconds=seconds,
        )
        evaluator = self.searched.evaluator
        if not isinstance(evaluator, TrainEvaluator):
            return launch.prepare(spec)
        spec = spec.replace(batch_size=self.searched.spec.recipe.batch_size)
        trained = evaluator.with_recipe(epochs=how.epochs, fraction=how.fraction)
        stock = self.searched.stock[: stock_size(how.trials, len(spec.stock_names))]
        return replace(self.searched, spec=spec, evaluator=trained, stock=stock)


def prepare(spec: AutoSpec) -> PreparedAuto:
    """Opens the images and the folder. Raises InputError or BudgetError for what cannot be done."""
    from evaluators.images.duplicates import Duplicates
    from evaluators.images.summary import DataSummary

    state = State.read(spec.out) if spec.out.is_dir() else None
    if state is None:
        _check_new(spec.out)
    elif state.request != spec.request:
        raise InputError.of(
            "--out", "the settings with which it began, or another folder", _changes(spec, state)
        )
    if state is not None and state.decisions and _OBJECTIVE not in state.decisions:
        # Begun by a version whose searches maximised the plain accuracy.
        spec = replace(spec, search=spec.search.replace(objective=spec.given.get("objective", "accuracy")))
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
        state.decisions[_OBJECTIVE] = spec.search.objective
    elif (state.data["checksum"], state.data["split"]) != (known["checksum"], known["split"]):
        came = f"{spec.out} for images with checksum {state.data['checksum']}, now {known['checksum']}"
        raise InputError.of("--data", "the images with which it began, or another --out", came)
    stock = [_finalist(spec, one) for one in searched.stock]
    if not stock:
        wanted = "budgets that a stock network can be brought under, as something to compare with"
        raise InputError.of("stock", wanted, "none")
    return PreparedAuto(
        spec,
        state,
        searched,
        images,
        stock,
        _formats(),
        [*summary.warnings, *Duplicates.of(images).warnings()],
    )


def _finalist(spec: AutoSpec, one: StockCandidate) -> Finalist:
    network, name = one.candidate.architecture, one.name
    assert network is not None
    found = costs(network)
    objective = spec.search.parsed_objective
    factor = 1.0
    if objective.kind.startswith("mnas"):
        factor = objective.factor(float(found.searched()[objective.cost]))
    path = spec.out.absolute() / STOCK / f"{slug(name)}.json"
    return Finalist(name, str(path), True, 0.0, 0.0, 0, factor, found.macs, found.params)


def slug(name: str) -> str:
    """``name`` as a part of a path."""
    return "".join(sign if sign.isalnum() or sign in "._" else "-" for sign in name)


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
