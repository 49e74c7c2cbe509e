"""Stock networks in the loop: measured first, known to the sampler only if they are of its space, never named as best."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from evaluators.evaluator import Candidate
from results.front import eligible
from results.trial_result import TrialResult
from search.candidate_cache import CandidateCache
from search.loop import Loop
from search.samplers.registry import make_sampler
from search.settings import SearchSettings
from search.stock import StockCandidate, stock_candidates
from search.trial_store import MemoryTrialStore
from space.search_space import SearchSpace
from space.spaces import space
from space.stock import StockNetwork, stock_networks
from tests.search.fakes import ShufflingPool

BOUNDS = {"macs": 300e3}
SPACE = space("around-budget", resolution=8, in_channels=1, bounds=BOUNDS)
OUTSIDE = stock_networks(("mobilenet_v2", "mobilenet_v1"), BOUNDS, resolution=8, in_channels=1)
SETTINGS = SearchSettings(sampler="controller", trials=14, window=3, seed=5)


def accuracy_of(candidate: Candidate) -> float:
    return 0.3 + (candidate.stream % 1000) / 2000


def run(
    settings: SearchSettings,
    stock: tuple[StockCandidate, ...],
    pool: ShufflingPool | None = None,
    store: MemoryTrialStore | None = None,
    searched: SearchSpace = SPACE,
) -> tuple[list[TrialResult], Loop]:
    cache, store = CandidateCache(searched, settings.budgets), store or MemoryTrialStore()
    loop = Loop(
        settings,
        cache,
        make_sampler(searched, settings),
        pool or ShufflingPool(accuracy_of),
        store,
        stock=stock,
    )
    loop.run()
    return store.results(), loop


def candidates(networks: tuple[StockNetwork, ...]) -> tuple[StockCandidate, ...]:
    return stock_candidates(networks, CandidateCache(SPACE, SETTINGS.budgets), SPACE.known)


@pytest.mark.parametrize("sampler", ["controller", "tpe", "random", "evolution"])
def test_the_sampler_proposes_what_it_would_without_them(sampler: str) -> None:
    alone, _ = run(replace(SETTINGS, sampler=sampler), ())
    beside, loop = run(replace(SETTINGS, sampler=sampler, trials=16), candidates(OUTSIDE))
    assert [trial.stock for trial in beside[:3]] == [OUTSIDE[0].name, OUTSIDE[1].name, None]
    assert [trial.key for trial in beside[2:]] == [trial.key for trial in alone]
    assert loop.progress.finished == 16
    assert [trial.key for trial in loop.progress.stock] == [n.architecture.key for n in OUTSIDE]


@pytest.mark.parametrize("stopped_after", [0, 1, 2, 5])
def test_a_stopped_search_goes_on_to_the_same_end(stopped_after: int) -> None:
    whole, _ = run(SETTINGS, candidates(OUTSIDE), ShufflingPool(accuracy_of, slots=2))
    store = MemoryTrialStore()
    with pytest.raises(KeyboardInterrupt):
        run(
            SETTINGS,
            candidates(OUTSIDE),
            ShufflingPool(accuracy_of, slots=2, stop_after=stopped_after),
            store,
        )
    resumed, _ = run(SETTINGS, candidates(OUTSIDE), ShufflingPool(accuracy_of), store)
    assert [(t.key, t.stock, t.values) for t in resumed] == [(t.key, t.stock, t.values) for t in whole]


def test_none_of_them_is_named_as_best_or_repeated() -> None:
    def answer(candidate: Candidate) -> float:
        return 0.99 if not candidate.decisions else accuracy_of(candidate)

    settings = replace(SETTINGS, trials=24, repeats=4)
    results, loop = run(settings, candidates(OUTSIDE), ShufflingPool(answer))
    repeats = [trial.repeat_of for trial in results if trial.repeat_of is not None]
    assert len(repeats) == 4 and min(repeats) >= 2
    assert loop.progress.best is not None and loop.progress.best.stock is None


def test_one_that_is_of_the_space_teaches_the_sampler() -> None:
    member = SPACE.sample(random.Random(1))
    network = StockNetwork("known", SPACE.decode(member))
    cache = CandidateCache(SPACE, SETTINGS.budgets)
    (candidate,) = stock_candidates([network], cache, [member])
    assert candidate.candidate.decisions == member
    results, _ = run(SETTINGS, (candidate,))
    assert (results[0].stock, results[0].decisions) == ("known", member)
    # What was told of it counts: the first proposals do not depend on results, and later ones are others.
    alone, _ = run(SETTINGS, ())
    assert [trial.key for trial in results[1:]] != [trial.key for trial in alone[:-1]]


def test_the_known_members_of_the_space_are_what_they_are_called() -> None:
    """Within 3.4M MACs at 64 px, the widest ResNet-18 of equal steps is 8, 16, 32 and 64 channels wide."""
    from space import zoo

    around = space("around-budget", resolution=64, bounds={"macs": 3.4e6})
    narrow = StockNetwork("resnet18@width=0.12", zoo.resnet18(width=0.12, resolution=64, classes=10))
    (candidate,) = stock_candidates([narrow], CandidateCache(around, SETTINGS.budgets), around.known)
    assert candidate.candidate.decisions == around.known[0]


def test_a_stock_network_is_on_no_front() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "state": ["COMPLETE"] * 2,
            "status": ["ok"] * 2,
            "stock": ["resnet18", None],
            "feasible": [True, True],
        }
    )
    assert eligible(frame.astype({"feasible": "boolean"})).tolist() == [False, True]
