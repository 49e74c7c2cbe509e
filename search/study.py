"""Opens the study of a search: made anew, or gone on with where the spec is the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from results.attributes import FORMAT, named, of_study
from results.driver import ATTRIBUTE, Driver
from search.objective import Objective
from search.study_data import check_data
from search.trial_store import OptunaTrialStore, storage_of
from space.errors import InputError, RunError
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
) -> OptunaTrialStore:
    """The trial store of study ``name`` at ``url``, which is created where it is not there.

    ``spec`` is kept with a new study and compared with that of an old one, of which only the keys ``may_change``
    may differ. ``canonical`` brings a spec that an older version stored into the form of today. ``attributes``
    (provenance, space …) are kept as they are.

    Raises InputError where the spec or the data differ, the study is not one of nascale's, the storage cannot be
    written, or another search is at work on the study.
    """
    import optuna

    storage = storage_of(url)
    directions = [
        optuna.study.StudyDirection.MAXIMIZE if d == "maximize" else optuna.study.StudyDirection.MINIMIZE
        for d in objective.directions
    ]
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        study_id = None
    if study_id is None:
        with _quiet():
            study_id = storage.create_new_study(directions, name)
        # Optuna's own key for Study.set_metric_names: dashboards then show names instead of "0" and "1".
        storage.set_study_system_attr(study_id, "study:metric_names", list(objective.names))
    else:
        stored = of_study(storage.get_study_user_attrs(study_id)).get("spec")
        if stored is None and storage.get_n_trials(study_id):
            raise InputError.of("study", "a study that nascale made", f"{name!r}, whose trials have no spec")
        if stored is not None:
            # A batch that fits the set changes with the data, which say more about what is wrong.
            _check_same(name, canonical(stored), spec, {*may_change, "batch_size"})
        known = of_study(storage.get_study_user_attrs(study_id))
        check_data(name, known.get("provenance"), attributes.get("provenance"))
        if stored is not None:
            _check_same(name, canonical(stored), spec, may_change)
    claim_study(storage, study_id, name)
    known = of_study(storage.get_study_user_attrs(study_id))
    objectives = [
        {"name": n, "direction": d} for n, d in zip(objective.names, objective.directions, strict=True)
    ]
    ours = {"format": FORMAT, "spec": dict(spec), "objectives": objectives, **attributes}
    for key, value in named({k: v for k, v in ours.items() if k == "spec" or k not in known}).items():
        storage.set_study_user_attr(study_id, key, value)
    return OptunaTrialStore(storage, study_id, space)


def release_study(store: OptunaTrialStore) -> None:
    """Says that no search is at work on the study any more, and closes its storage."""
    store.set_study_attribute(ATTRIBUTE, None)
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


def claim_study(storage: Any, study_id: int, name: str) -> None:
    """Marks the study as ours; a mark left by a process that is gone is overwritten.

    Raises RunError where another process is at work on it.
    """
    holder, mine = Driver.of_json(storage.get_study_system_attrs(study_id).get(ATTRIBUTE)), Driver.this()
    if holder is not None and holder != mine and holder.is_here and not holder.is_gone:
        raise RunError(f"study {name!r}: another search ({holder}) is at work on it; wait for it or stop it")
    storage.set_study_system_attr(study_id, ATTRIBUTE, mine.to_json())


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
