"""Networks that somebody proposes to a study: trials that wait and are measured first; the sampler is told of those of the space alone."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from results.frame import front
from results.studies import load
from results.trial_result import Status, TrialResult
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.proposal import KnownNetwork, propose
from search.samplers.registry import make_sampler
from search.settings import Budgets, SearchSettings
from search.study import open_study
from search.trial_store import MemoryTrialStore
from space.codec import to_dict
from space.cost import costs
from space.errors import InputError
from space.search_space import SearchSpace
from space.spaces import space
from space.zoo import architecture
from tests.factories import stored_study
from tests.search.fakes import ShufflingPool
from tests.search.test_stock import OUTSIDE, SETTINGS, accuracy_of, run

NETWORK = architecture("mobilenet_v2@width=0.25,resolution=32,classes=10,in_channels=1")


def test_a_proposal_waits_in_the_study_and_is_there_once(database: str) -> None:
    url = stored_study(database, 12)
    assert propose(url, "digits", NETWORK, Budgets()) == (12, False)
    trial = load("digits", url, architectures=True).trials[12]
    assert (trial.status, trial.key, trial.decisions) == (Status.WAITING, NETWORK.key, {})
    assert trial.architecture == to_dict(NETWORK)
    assert trial.costs == costs(NETWORK).searched()
    with pytest.raises(KnownNetwork) as caught:
        propose(url, "digits", NETWORK.replace(name="another name"), Budgets())
    assert caught.value.number == 12
    assert 12 not in set(front("digits", url)["number"])


def test_a_network_over_budget_is_refused_and_nothing_is_stored(database: str) -> None:
    url = stored_study(database, 3)
    with pytest.raises(InputError, match="architecture: wanted a network of at most 10,000 macs"):
        propose(url, "digits", NETWORK, Budgets(max_macs=10_000))
    assert len(load("digits", url).trials) == 3


def test_the_sampler_is_told_of_a_member_when_the_search_goes_on(database: str) -> None:
    url, mixed = database, space("mixed", resolution=16)
    begun, _ = searched(url, mixed, 4)
    network = mixed.decode(mixed.sample(random.Random(99)))
    assert propose(url, "digits", network.replace(name="by hand"), Budgets(), mixed) == (4, True)
    assert propose(url, "digits", NETWORK, Budgets(), mixed) == (5, False)
    results, told = searched(url, mixed, 10)
    assert [result.key for result in results[:4]] == [result.key for result in begun]
    assert [(result.status, result.key) for result in results[4:6]] == [
        (Status.OK, network.key),
        (Status.OK, NETWORK.key),
    ]
    assert mixed.decode(results[4].decisions).key == network.key
    # The one that is not of the space has no number of the sampler's, and is not told.
    assert [result.key for result in told] == [result.key for result in results[:9] if result.number != 5]
    assert [result.number for result in told] == list(range(8))
    assert told[4].values == results[4].values is not None


def searched(url: str, mixed: SearchSpace, trials: int) -> tuple[list[TrialResult], list[TrialResult]]:
    """The trials of a search that goes on to so many, and what its sampler was told."""
    settings = SearchSettings(sampler="controller", trials=trials, window=1, seed=5)
    sampler, told = make_sampler(mixed, settings), []
    tell = sampler.tell

    def heard(result: TrialResult) -> None:
        told.append(result)
        tell(result)

    sampler.tell = heard  # type: ignore[method-assign]
    with closing(open_study(url, "digits", {"trials": trials}, settings.objective, mixed, {})) as store:
        Loop(
            settings, CandidateCache(mixed, settings.budgets), sampler, ShufflingPool(accuracy_of), store
        ).run()
        return store.results(), told


@pytest.mark.parametrize("repeats", [0, 4])
def test_a_search_goes_on_with_it_and_proposes_what_it_would_have(repeats: int) -> None:
    from dataclasses import replace

    settings = replace(SETTINGS, trials=8)
    store = MemoryTrialStore()
    first, _ = run(settings, (), store=store)
    network = OUTSIDE[0].architecture
    known = costs(network).searched()
    store.start(
        first[0].replace(
            number=8,
            decisions={},
            key=network.key,
            architecture=to_dict(network),
            costs={**known},
            status=Status.WAITING,
            values=None,
            accuracy=None,
        )
    )
    results, loop = run(replace(settings, trials=14, repeats=repeats), (), ShufflingPool(accuracy_of), store)
    assert (results[8].status, results[8].key) == (Status.OK, network.key)
    assert loop.progress.finished == 14
    if repeats == 0:
        whole, _ = run(replace(settings, trials=13), ())
        assert {t.key for t in whole[:8]} == {t.key for t in results[:8]}
        assert len({t.key for t in results[9:]}) == 5
