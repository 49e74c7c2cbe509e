"""The benchmark of samplers: regrets, noise and hypervolumes against figures computed by hand."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest

from evaluators.table import TableEvaluator
from evaluators.table_file import open_table
from evaluators.table_settings import table_settings
from search.benchmark import ReferenceOptimum, Repeat, one_repeat, reference_optimum, run, summary
from search.objective import Objective
from search.settings import Budgets, SearchSettings

# Truth: 51, 55, 59 for a and 58, 55, 60 for b. The noise of a row is half the difference of its seeds.
ROWS = """kind,size,s0,s1,macs
a,1,50,52,100
a,2,60,50,200
a,3,58,60,300
b,1,61,55,100
b,2,70,40,200
b,3,57,63,300
"""
TWO = SearchSettings(sampler="grid", objective=Objective.parse("accuracy,macs"), trials=6)


@pytest.fixture
def table(tmp_path: Path) -> TableEvaluator:
    return opened(tmp_path, ["s0", "s1"])


def opened(folder: Path, accuracy: list[str], **section: str) -> TableEvaluator:
    (folder / "t.csv").write_text(ROWS)
    described = {
        "path": "t.csv", "decisions": ["kind", "size"], "accuracy": accuracy, "unit": "percent", "macs": "macs", **section,
    }  # fmt: skip
    return open_table(table_settings(described, folder / "t.toml"))


def test_the_optimum_of_a_table_is_its_best_truth_within_budget(table: TableEvaluator) -> None:
    optimum = reference_optimum(table, SearchSettings(), [made((0.5,))])
    assert optimum.best == pytest.approx(0.60)
    assert optimum.exact
    assert optimum.noise == pytest.approx((0.01 + 0.05 + 0.01 + 0.03 + 0.15 + 0.03) / 6)
    bounded = SearchSettings(budgets=Budgets(max_macs=200))
    assert reference_optimum(table, bounded, [made((0.5,))]).best == pytest.approx(0.58)


def test_the_volume_of_the_true_front(table: TableEvaluator) -> None:
    optimum = reference_optimum(table, TWO, [made((0.5,))])
    # The front is (58 %, 100), (59 %, 300) is beaten by (60 %, 300); the reference is the worst of each: 51 %, 300.
    assert optimum.reference == pytest.approx((0.51, 300))
    assert optimum.volume == pytest.approx((0.58 - 0.51) * (300 - 100))


def test_a_search_without_noise_is_the_running_best_of_what_it_saw(tmp_path: Path) -> None:
    table = opened(tmp_path, ["s0"])
    found = one_repeat(table, TWO)
    truths = [accuracy for accuracy, _ in found.points]
    assert sorted(truths) == pytest.approx([0.50, 0.57, 0.58, 0.60, 0.61, 0.70])
    assert list(found.best) == pytest.approx(list(accumulate(truths, max)))
    assert found.repeats == 0


def test_the_best_observed_network_counts_with_its_truth(table: TableEvaluator) -> None:
    found = one_repeat(table, SearchSettings(sampler="grid", trials=6))
    # Whatever seeds were drawn, the best-observed network has one of the table's truths, and not always the best.
    assert set(found.best) <= set(table.truths.tolist())
    finals = {one_repeat(table, SearchSettings(sampler="grid", trials=6, seed=s)).best[-1] for s in range(8)}
    assert len(finals) > 1


def test_every_sampler_gets_the_same_seeds_and_random_is_among_them(table: TableEvaluator) -> None:
    counted: list[tuple[int, int]] = []
    settings = SearchSettings(seed=5)
    found = run(table, settings, ["grid"], 4, 2, report=lambda done, total: counted.append((done, total)))
    assert [(r.sampler, r.seed) for r in found] == [("grid", 5), ("grid", 6), ("random", 5), ("random", 6)]
    assert all(len(r.best) == 4 for r in found)
    assert counted == [(1, 4), (2, 4), (3, 4), (4, 4)]
    again = run(table, settings, ["grid"], 4, 2)
    assert [r.best for r in again] == [r.best for r in found]


def made(best: tuple[float, ...], points: tuple[tuple[float, ...], ...] = (), seed: int = 0) -> Repeat:
    return Repeat("tpe", seed, best, points, seed, 0.5)


def test_a_summary_by_hand() -> None:
    repeats = [made((0.50, 0.55, 0.60)), made((0.40, 0.58, 0.58), seed=1), made((0.50, 0.50, 0.50), seed=2)]
    first, last = summary(repeats, ReferenceOptimum(0.60, True, 0.02), [1, 9], ("maximize",))
    # After one evaluation: 10, 20 and 10 points; the deviation is 10/√3, the standard error a third of 10.
    assert first["regret_mean"] == pytest.approx(40 / 3)
    assert first["regret_median"] == pytest.approx(10)
    assert first["regret_sem"] == pytest.approx(10 / 3)
    # A search that ended earlier keeps its last regret: 0, 2 and 10 points.
    assert last["regret_mean"] == pytest.approx(4)
    # Within the noise of the best after 3, 2 and never: the median is 3.
    assert last["evaluations_to_noise"] == 3
    assert (last["repeats"], last["reused_mean"], last["seconds_per_suggestion"]) == (3, 1, 0.5)
    assert (
        summary(repeats[2:], ReferenceOptimum(0.60, True, 0.02), [1], ("maximize",))[0][
            "evaluations_to_noise"
        ]
        is None
    )


def test_a_share_of_the_volume_by_hand() -> None:
    optimum = ReferenceOptimum(0.6, True, 0.0, volume=0.1 * 200, reference=(0.5, 300.0))
    repeats = [made((0.55, 0.6), ((0.55, 200.0), (0.6, 100.0)))]
    one, two = summary(repeats, optimum, [1, 2], ("maximize", "minimize"))
    assert one["hypervolume_share"] == pytest.approx(0.05 * 100 / 20)
    assert two["hypervolume_share"] == pytest.approx(1)
