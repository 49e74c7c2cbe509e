"""Networks that somebody proposes to a study: trials that wait, are measured first, and change nothing of what follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.frame import front
from results.studies import load
from results.trial_result import Status
from search.proposal import KnownNetwork, propose
from search.settings import Budgets
from search.trial_store import MemoryTrialStore
from space.codec import to_dict
from space.cost import costs
from space.errors import InputError
from space.zoo import architecture
from tests.factories import sqlite_study
from tests.search.fakes import ShufflingPool
from tests.search.test_stock import OUTSIDE, SETTINGS, accuracy_of, run

NETWORK = architecture("mobilenet_v2@width=0.25,resolution=32,classes=10,in_channels=1")


def test_a_proposal_waits_in_the_study_and_is_there_once(tmp_path: Path) -> None:
    url = sqlite_study(tmp_path / "store.db", 12)
    assert propose(url, "digits", NETWORK, Budgets()) == 12
    trial = load("digits", url, architectures=True).trials[12]
    assert (trial.status, trial.key, trial.decisions) == (Status.WAITING, NETWORK.key, {})
    assert trial.architecture == to_dict(NETWORK)
    assert trial.costs == costs(NETWORK).searched()
    with pytest.raises(KnownNetwork) as caught:
        propose(url, "digits", NETWORK.replace(name="another name"), Budgets())
    assert caught.value.number == 12
    assert 12 not in set(front("digits", url)["number"])


def test_a_network_over_budget_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    url = sqlite_study(tmp_path / "store.db", 3)
    with pytest.raises(InputError, match="architecture: wanted a network of at most 10,000 macs"):
        propose(url, "digits", NETWORK, Budgets(max_macs=10_000))
    assert len(load("digits", url).trials) == 3


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
