"""A network that a person or another program proposes, as a trial of a stored study that waits to be measured.

When the search goes on, it is measured first, like a trial that an earlier run left unfinished, and may come upon the front. Where
it is one of the study's space, it has decisions, and the sampler is told of it like of its own. Any other has none: the sampler
neither learns from it nor changes what it proposes.
"""

from __future__ import annotations

from results.studies import load
from results.trial_result import TrialResult
from search.lease import Lease
from search.settings import Budgets
from search.storage import lease_engine, storage_of
from space.architecture import Architecture
from space.codec import to_dict
from space.cost import costs
from space.errors import InputError
from space.membership import decisions_of
from space.search_space import Decisions, SearchSpace


class KnownNetwork(InputError):
    """The study has the network already, as trial ``number``."""

    def __init__(self, study: str, number: int) -> None:
        super().__init__(
            f"architecture: wanted a network that study {study!r} has not, got that of trial {number}"
        )
        self.number = number


def propose(
    url: str, study: str, architecture: Architecture, budgets: Budgets, space: SearchSpace | None = None
) -> tuple[int, bool]:
    """Adds the network to the study: the number of its trial, and whether it was found in ``space``, that of the study.

    Raises KnownNetwork, InputError for a network over ``budgets``, and RunError where a search is at work on the study.
    """
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    known = costs(architecture).searched()
    for name in budgets.exceeded(known):
        cost, bound = budgets.bounds()[name]
        raise InputError.of(
            "architecture", f"a network of at most {bound:,.0f} {cost}", f"{known[cost]:,.0f}"
        )
    decisions: Decisions = {}
    options: dict[str, BaseDistribution] = {}
    if space is not None:
        decisions = decisions_of(space, architecture) or {}
        options |= {name: CategoricalDistribution(space.by_name[name].options) for name in decisions}
    storage = storage_of(url)
    lease = None
    try:
        study_id = storage.get_study_id_from_name(study)
        lease = Lease(lease_engine(storage), study_id, study)
        for trial in load(study, url).trials:
            if trial.key == architecture.key and not trial.status.failed:
                raise KnownNetwork(study, trial.number)
        new = TrialResult(
            number=-1, key=architecture.key, architecture=to_dict(architecture), costs={**known}
        )
        waiting = create_trial(
            state=TrialState.WAITING,
            params=decisions,
            distributions=options,
            user_attrs=dict(new.attributes()),
        )
        trial_id = storage.create_new_trial(study_id, template_trial=waiting)
        return int(storage.get_trial(trial_id).number), bool(decisions)
    finally:
        if lease is not None:
            lease.release()
        storage.remove_session()
        storage.engine.dispose()
