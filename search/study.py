"""Opens the study of a search: made anew, or gone on with where the spec is the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from evaluators.pools.protocol import PATIENCE_SECONDS
from results.attributes import FORMAT, named, of_study
from results.database import refusal, said, through_a_moment
from results.rescue import Rescued
from results.storage_url import storage_url
from search.lease import Lease
from search.numbering import ensure_unique
from search.objective import Objective
from search.optuna_store import OptunaTrialStore
from search.patience import Outbox, PatientTrialStore
from search.storage import lease_engine, storage_of
from search.study_data import check_data
from space.errors import InputError
from space.search_space import SearchSpace


def open_study(
    url: str,
    name: str,
    spec: Mapping[str, Any],
    objective: Objective,
    space: SearchSpace,
    attributes: Mapping[str, Any],
    *,
    may_change: Collection[str] = ("trials",),
    canonical: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    patience: float = PATIENCE_SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> PatientTrialStore:
    """The trial store of study ``name`` at ``url``, which is created where it is not there.

    ``spec`` is kept with a new study and compared with that of an old one, of which only the keys ``may_change``
    may differ. ``canonical`` brings a spec that an older version stored into the form of today. ``attributes``
    (provenance, space …) are kept as they are. ``patience`` is in seconds; ``say`` is told what a user should know. Where
    the database's server is just being restarted, or another process writes, it is opened anew for some seconds.

    Raises InputError where the spec or the data differ, the study is not one of nascale's or the storage cannot be
    written, and RunError where another search is at work on the study.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    wanted = _Wanted(name, spec, objective, attributes, may_change, canonical)
    try:
        return through_a_moment(lambda: _opened(url, wanted, space, patience, say))
    except (SQLAlchemyError, StorageInternalError) as error:
        raise refusal(storage_url(url), said(error)) from None


@dataclass(frozen=True)
class _Wanted:
    """The study that a search is to fill, and what may differ where it is there already."""

    name: str
    spec: Mapping[str, Any]
    objective: Objective
    attributes: Mapping[str, Any]
    may_change: Collection[str]
    canonical: Callable[[Mapping[str, Any]], Mapping[str, Any]]

    def study_id(self, storage: Any) -> int:
        """The study of that name, made if there is none."""
        import optuna

        directions = [
            optuna.study.StudyDirection.MAXIMIZE if d == "maximize" else optuna.study.StudyDirection.MINIMIZE
            for d in self.objective.directions
        ]
        # Another search may make it in the same moment.
        with suppress(KeyError):
            return int(storage.get_study_id_from_name(self.name))
        with suppress(optuna.exceptions.DuplicatedStudyError), _quiet():
            study_id = storage.create_new_study(directions, self.name)
            # Optuna's own key for Study.set_metric_names: dashboards then show names instead of "0" and "1".
            storage.set_study_system_attr(study_id, "study:metric_names", list(self.objective.names))
        return int(storage.get_study_id_from_name(self.name))

    def check(self, storage: Any, study_id: int) -> None:
        """Raises InputError where the study is not one of nascale's, or was made with another spec or other data."""
        known = of_study(storage.get_study_user_attrs(study_id))
        stored = known.get("spec")
        if stored is None and storage.get_n_trials(study_id):
            raise InputError.of(
                "study", "a study that nascale made", f"{self.name!r}, whose trials have no spec"
            )
        if stored is not None:
            # A batch that fits the set changes with the data, which say more about what is wrong.
            _check_same(self.name, self.canonical(stored), self.spec, {*self.may_change, "batch_size"})
        check_data(self.name, known.get("provenance"), self.attributes.get("provenance"))
        if stored is not None:
            _check_same(self.name, self.canonical(stored), self.spec, self.may_change)

    def describe(self, storage: Any, study_id: int) -> None:
        """Keeps the spec of today with the study, and what else it does not have yet."""
        known = of_study(storage.get_study_user_attrs(study_id))
        objectives = [
            {"name": n, "direction": d}
            for n, d in zip(self.objective.names, self.objective.directions, strict=True)
        ]
        ours = {"format": FORMAT, "spec": dict(self.spec), "objectives": objectives, **self.attributes}
        for key, value in named({k: v for k, v in ours.items() if k == "spec" or k not in known}).items():
            storage.set_study_user_attr(study_id, key, value)


def _opened(
    url: str, wanted: _Wanted, space: SearchSpace, patience: float, say: Callable[[str], None]
) -> PatientTrialStore:
    storage = storage_of(url)
    lease = None
    try:
        study_id = wanted.study_id(storage)
        wanted.check(storage, study_id)
        lease = Lease(lease_engine(storage), study_id, wanted.name)
        wanted.check(storage, study_id)  # another search may have been at work between
        repaired = ensure_unique(storage.engine, study_id, wanted.name)
        if repaired:
            say(f"study {wanted.name!r} was repaired: {repaired}")
        wanted.describe(storage, study_id)
        store = OptunaTrialStore(storage, study_id, space, lease)
        rescued = Rescued(wanted.name, storage.get_study_user_attrs(study_id), ())
        return PatientTrialStore(store, Outbox(storage.url, patience, say), rescued)
    except BaseException:
        if lease is not None:
            lease.release()
        storage.remove_session()
        storage.engine.dispose()
        raise


def release_study(store: PatientTrialStore) -> None:
    """Says that no search is at work on the study any more, and closes its storage."""
    store.close()


def _check_same(
    name: str, stored: Mapping[str, Any], spec: Mapping[str, Any], may_change: Collection[str]
) -> None:
    differing = sorted(
        key for key in stored.keys() & spec.keys() if key not in may_change and stored[key] != spec[key]
    )
    if differing:
        changes = ", ".join(f"{key} {stored[key]!r} → {spec[key]!r}" for key in differing)
        raise InputError(
            f"study {name!r} exists with another spec ({changes}): wanted the same spec, or another --study"
        )
    if spec.get("trials", 0) < stored.get("trials", 0):
        raise InputError.of("trials", f"{stored['trials']} or more, as study {name!r} has", spec["trials"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Optuna's own lines off the screen."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
