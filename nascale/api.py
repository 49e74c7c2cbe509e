"""The Python API: what the command line does, as functions that return values.

Heavy libraries are imported by the function that needs them, so ``import nascale`` stays instant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from space.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from evaluators.images.image_set import ImageSet
    from evaluators.trained.run_folder import TrainedRun
    from search.progress import Progress
    from space.architecture import Architecture
    from space.cost import Costs


@dataclass(frozen=True, slots=True)
class Study:
    """Where a search's results are: a name in a storage."""

    name: str
    storage: str


@dataclass(frozen=True)
class AutoResult:
    """What ``auto`` found and left in ``folder``, which has ``export``, ``family``, ``report.html`` and ``auto.json``.

    ``run`` is the training of the exported network, ``study`` the search. ``test`` are the figures on the test images (``accuracy``
    with its 95 % interval ``low`` to ``high``, the number of ``images``; None without test images). ``worth_it`` is "yes", "no" or
    "undecided", after the ``difference`` of the best found network to the best stock one, both trained alike (``value``, ``low``,
    ``high``, in 0..1; None without such a pair). ``conclusions`` say all that in plain words, as the command's last lines.
    """

    folder: Path
    run: TrainedRun
    study: Study
    test: Mapping[str, Any] | None
    worth_it: str
    difference: Mapping[str, Any] | None
    conclusions: tuple[str, ...]

    @property
    def architecture(self) -> Architecture:
        """The exported network."""
        return self.run.architecture


def auto(
    data: str,
    *,
    out: str | os.PathLike[str] = "runs/auto",
    within: float | str = "1h",
    threads: int | None = None,
    auto_augment: str = "measured",
    trained_validation: float | None = None,
    report: Callable[[str], None] | None = None,
    **settings: Any,
) -> AutoResult:
    """Finds, trains, exports and tests a network for the images ``data`` in the time ``within``, or goes on in the folder ``out``.

    ``settings`` are the options of ``nascale auto`` with underscores, a budget among them (``max_macs="5M"``). ``report`` is told what
    goes on, line by line. Raises InputError for what cannot be done, before anything is written, and RunError where no network
    could be trained.
    """
    from evaluators.trained.run_folder import open_run
    from nascale.auto_run.running import run
    from nascale.auto_run.spec import STUDY, auto_spec
    from nascale.quantities import parse_quantity

    spec = auto_spec(
        {**settings, "data": data},
        within=parse_quantity(within, "seconds", "within"),
        out=Path(out),
        threads=threads,
        auto_augment=auto_augment,
        trained_validation=trained_validation,
    )
    state = run(spec, say=report or (lambda line: None))
    assert state.exported is not None and state.worth_it is not None
    return AutoResult(
        folder=state.folder,
        run=open_run(state.folder / state.exported["folder"]),
        study=Study(STUDY, str(spec.search.storage)),
        test=state.test,
        worth_it=state.worth_it,
        difference=state.difference,
        conclusions=tuple(state.sentences),
    )


def search(
    spec: str | None = None, *, report: Callable[[Progress], None] | None = None, **settings: Any
) -> Study:
    """Runs a search, or goes on with one, and returns its study.

    ``settings`` are the keys of a spec file, the options of ``nascale search`` with underscores
    (``max_macs="5M"``). ``spec`` is the path of such a file; ``settings`` win over it. ``report`` is called with the
    progress. Raises InputError for what cannot be searched, before anything is written, and RunError for a
    search that failed.
    """
    from nascale.launch import check_found, prepare, run
    from nascale.spec import read_spec
    from search.trial_store import MEMORY

    chosen = read_spec(spec, settings)
    if chosen.storage == MEMORY:
        raise InputError.of("storage", "a database, to which the returned study points", chosen.storage)
    outcome = run(prepare(chosen), report or (lambda progress: None))
    check_found(outcome)
    return Study(outcome.study, outcome.storage)


def data(
    source: str,
    *,
    size: int | None = None,
    seed: int = 0,
    validation: float = 0.2,
    skip_bad: bool = False,
    max_image_bytes: int | None = None,
) -> ImageSet:
    """The image set that a search with ``data=source`` would train on.

    It has ``images`` (n, height, width, channels; uint8), ``labels`` (n; 0 to k − 1), the names of the ``classes``,
    the index arrays ``train``, ``validation`` and ``test``, and ``left_out``: what the source holds beside them, each
    with its ``path`` and ``why``. ``size`` is the side in pixels to which image files are decoded; ``validation`` is
    the share drawn from the training images, with ``seed``, if the source has no validation split; ``skip_bad`` leaves
    out files that cannot be read; images of more than ``max_image_bytes`` once unpacked (the memory of this machine)
    are refused. Raises InputError for a source that cannot be used.
    """
    from evaluators.data import load

    return load(
        source,
        seed=seed,
        validation=validation,
        size=size,
        skip_bad=skip_bad,
        max_image_bytes=max_image_bytes,
    )


def train(
    arch: str | Architecture, *, out: str | os.PathLike[str], storage: str | None = None, **settings: Any
) -> TrainedRun:
    """Trains a network to the end, or goes on with the training in the folder ``out``, and returns the finished run.

    ``settings`` are the options of ``nascale train`` with underscores (``data="folder:photos"``, ``epochs=30``,
    ``within="40min"``). Raises InputError for what cannot be trained, before anything is written, and RunError for a
    training that failed.
    """
    from nascale.train_run import prepare, run
    from nascale.train_spec import train_spec
    from space.codec import to_json

    text = arch if isinstance(arch, str) else to_json(arch)
    return run(prepare(train_spec(text, settings, storage), Path(out), storage))


def trials(study: Study | str, storage: str | None = None) -> pd.DataFrame:
    """All trials of a study as a DataFrame; the columns are those of ``results.columns.COLUMNS``."""
    from results import frame

    return frame.trials(*_named(study, storage))


def front(
    study: Study | str, storage: str | None = None, *, x: str | None = None, y: str | None = None
) -> pd.DataFrame:
    """The Pareto front of a study as a DataFrame, best accuracy first; ``x`` and ``y`` choose other axes."""
    from results import frame

    name, where = _named(study, storage)
    return frame.front(name, where, x=x, y=y)


def architecture(arch: str | Architecture, storage: str | None = None) -> Architecture:
    """The architecture that ``arch`` names: of the zoo, in a JSON file, or ``STUDY:NUMBER``."""
    from nascale.architectures import resolve

    return resolve(arch, storage) if isinstance(arch, str) else arch


def profile(
    arch: str | Architecture, *, batch: int = 1, dtype: str = "float32", storage: str | None = None
) -> Costs:
    """Parameters, MACs, FLOPs and memory of an architecture, or of whatever names one."""
    from space.cost import costs

    return costs(architecture(arch, storage), batch=batch, dtype=dtype)


def scale(
    arch: str | Architecture,
    *,
    phi: float | None = None,
    depth: float = 1.0,
    width: float = 1.0,
    resolution: int | None = None,
    alpha: float = 1.2,
    beta: float = 1.1,
    gamma: float = 1.15,
    storage: str | None = None,
) -> Architecture:
    """An architecture grown by φ, or by ``depth`` and ``width`` multipliers and to ``resolution`` pixels."""
    from space import scaling

    base = architecture(arch, storage)
    if phi is None:
        return scaling.scale(base, depth=depth, width=width, resolution=resolution)
    if (depth, width, resolution) != (1.0, 1.0, None):
        raise InputError("phi: wanted either phi, or depth, width and resolution, got both")
    return scaling.compound(base, phi, alpha, beta, gamma)


def family(
    arch: str | Architecture,
    budgets: Sequence[float | str],
    *,
    measure: str = "macs",
    alpha: float = 1.2,
    beta: float = 1.1,
    gamma: float = 1.15,
    max_resolution: int | None = None,
    storage: str | None = None,
) -> tuple[Architecture, ...]:
    """An architecture scaled to each of ``budgets`` (``"0.8G"``) of ``measure``, a cost of ``profile``, along α^φ, β^φ, γ^φ.

    Each uses 97–100 % of its budget, with depth, width and resolution grown as much alike as rounding allows, and none is
    smaller than one of a smaller budget in anything. The resolution stops at ``max_resolution``, which for a trial of a
    study is by default the size of its images. Raises BudgetError, an InputError, for a budget that nothing meets.
    """
    from nascale.architectures import images_side
    from nascale.family_files import member_name
    from nascale.quantities import kind_of_cost, parse_quantity
    from space import family as families
    from space.cost import SEARCHED_COSTS, costs
    from space.errors import UnknownNameError
    from space.scaling import Coefficients

    known = [cost.name for cost in SEARCHED_COSTS]
    if measure not in known:
        raise UnknownNameError("measure", measure, known)
    base = architecture(arch, storage)
    own = images_side(arch, storage) if isinstance(arch, str) else None
    members = families.family(
        base,
        [parse_quantity(budget, kind_of_cost(measure), "budgets") for budget in budgets],
        lambda network: float(getattr(costs(network), measure)),
        measure=measure,
        coefficients=Coefficients(alpha, beta, gamma),
        max_resolution=max_resolution or own,
    )
    return tuple(one.architecture.replace(name=member_name(base, one, measure)) for one in members)


def _named(study: Study | str, storage: str | None) -> tuple[str, str | None]:
    return (study.name, study.storage) if isinstance(study, Study) else (study, storage)
