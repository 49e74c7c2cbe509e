"""A study made again from what a search knew of it when its database was lost."""

from __future__ import annotations

from results.attributes import of_study
from results.rescue import Rescued
from results.trial_result import Status
from search.objective import Objective
from search.study import open_study
from space.errors import InputError
from space.search_space import Decision, SearchSpace


def restore(rescued: Rescued, url: str, objective: Objective) -> int:
    """Puts the trials into the study of their name at ``url``, which is made if it is not there; how many were new.

    Trials that the study holds as finished stay as they are. Raises InputError where it holds others under their numbers.
    """
    ours = of_study(rescued.attributes)
    attributes = {name: value for name, value in ours.items() if name not in ("spec", "objectives", "format")}
    decisions = attributes.get("space", {}).get("decisions", ())
    space = SearchSpace("recovered", tuple(Decision(name, tuple(options)) for name, options in decisions))
    spec = dict(rescued.spec)
    store = open_study(url, rescued.study, spec, objective, space, attributes, may_change=spec.keys())
    new = 0
    try:
        known = {trial.number: trial for trial in store.results()}
        waiting = []
        for trial in rescued.trials:
            there = known.get(trial.number)
            if there is not None and there.key != trial.key:
                wanted = f"trials of the study {rescued.study!r} as it is stored, or another --storage"
                raise InputError.of("recover", wanted, f"another network as trial {trial.number}")
            if there is not None and (there.status.finished or not trial.status.finished):
                continue
            running = trial.replace(status=Status.RUNNING)
            (store.start if there is None else store.restart)(running)
            if trial.status.finished:
                store.finish(trial)
                new += 1
            else:
                waiting.append(running)
        store.release(waiting)
        store.settle()
    finally:
        store.close()
    return new
