"""What a verification measures: from a stored study and what was asked to networks, seeds and an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nascale.origin import provenance
from nascale.spec import EPOCHS, SearchSpec
from results.studies import StoredStudy, load
from results.verification import LEVEL
from results.verified import FreshMeasurement
from search.study_data import check_data
from search.verification import Contender, contenders, fresh_seeds
from space.errors import InputError

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.pools.protocol import PoolSettings

LONGER = 3
"""How many times as long as in the search the networks are trained, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class VerificationRequest:
    """What the command was asked: see its options.

    Raises InputError naming the option, what was wanted and what came.
    """

    top: int = 5
    seeds: int = 3
    epochs: int | None = None
    again: bool = True
    level: float = LEVEL
    data: str | None = None
    table: str | None = None
    pool: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("top", "seeds"):
            if getattr(self, name) < 2:
                raise InputError.of(f"--{name}", "2 or more", getattr(self, name))
        if not 0 < self.level < 1:
            raise InputError.of("--level", "a probability between 0 and 1", self.level)


@dataclass(frozen=True)
class PreparedVerification:
    """A verification that is ready to run: everything was checked, nothing written.

    ``own_epochs`` are the search's epochs and ``epochs`` those of the verification, None for a table. ``twice`` says that
    each network is also trained as the search did, ``same`` that the verification does no other. ``images`` is the number
    of validation images, 0 for a table.
    """

    study: StoredStudy
    spec: SearchSpec
    request: VerificationRequest
    evaluator: Evaluator
    pool: PoolSettings
    networks: tuple[Contender, ...]
    seeds: tuple[int, ...]
    own_epochs: int | None
    epochs: int | None
    twice: bool
    same: bool
    images: int

    @property
    def merit(self) -> str:
        return self.spec.parsed_objective.merit

    @property
    def fidelity(self) -> str:
        """Under which the measurements are kept."""
        return "table" if self.epochs is None else f"epochs={self.epochs}"

    def wanted(self) -> list[tuple[Contender, FreshMeasurement]]:
        """Each network with each seed, one seed after the other."""
        return [
            (one, FreshMeasurement(key=one.key, seed=seed, fidelity=self.fidelity))
            for seed in self.seeds
            for one in self.networks
        ]


def prepare(study: str, storage: str | None, request: VerificationRequest) -> PreparedVerification:
    """Reads the study and opens its data. Raises InputError for what cannot be verified."""
    stored = load(study, storage, architectures=True)
    if not stored.spec:
        raise InputError.of("study", "a study that nascale made", f"{study!r}, which has no spec")
    if "base" in stored.spec:
        wanted = "a search for networks (one for α, β, γ measures each network with several seeds already)"
        raise InputError.of("study", wanted, study)
    changes = {"data": request.data, "table": request.table}
    spec = SearchSpec.stored({**stored.spec, **{k: v for k, v in changes.items() if v is not None}})
    networks = tuple(contenders(stored.trials, spec.parsed_objective, request.top))
    own, epochs, evaluator = _opened(spec, request)
    check_data(study, stored.provenance, provenance(evaluator), instead="in the place that --data names")
    return PreparedVerification(
        stored,
        spec,
        request,
        evaluator,
        replace(spec.pool, **request.pool),
        networks,
        fresh_seeds(spec.run.seed, request.seeds),
        own,
        epochs,
        evaluator.schedule.restarts,
        own == epochs and spec.evaluator != "supernet",
        len(evaluator.images.validation) if evaluator.images is not None else 0,
    )


def _opened(spec: SearchSpec, request: VerificationRequest) -> tuple[int | None, int | None, Evaluator]:
    """(epochs of the search, epochs of the verification, what measures); None for the epochs of a table."""
    if spec.table is not None and spec.evaluator == "table":
        return None, None, _table(spec, request)
    from evaluators.multi_fidelity import MultiFidelityEvaluator
    from nascale.evaluation import train_evaluator

    own = spec.recipe.epochs if spec.evaluator == "train" else EPOCHS["train"]
    epochs = LONGER * own if request.epochs is None else request.epochs
    least = own if spec.evaluator == "train" else 1
    if epochs < least:
        raise InputError.of("--epochs", f"{least} or more, as in the search", epochs)
    short = train_evaluator(spec, spec.resolution)
    full = short.with_recipe(epochs=epochs)
    if request.again and spec.evaluator == "train" and epochs > own:
        return own, epochs, MultiFidelityEvaluator("epochs", (short, full))
    return own, epochs, full


def _table(spec: SearchSpec, request: VerificationRequest) -> Evaluator:
    from evaluators.table_file import open_table

    assert spec.table is not None
    if request.epochs is not None:
        raise InputError.of("--epochs", "a study that trains its networks", f"{request.epochs} for a table")
    if not spec.table.several_seeds:
        wanted = "two accuracies of a network or more (another seed has another answer only then)"
        came = "a surrogate" if spec.table.lookup != "exact" else f"{spec.table.accuracy[0]!r} alone"
        raise InputError.of("table", wanted, came)
    return open_table(spec.table)
