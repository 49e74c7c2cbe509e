"""Regret and hypervolume of searches on a small made-up table, against computations by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluators.surrogate import Surrogate
from evaluators.table import TableEvaluator
from evaluators.table_file import open_table
from evaluators.table_settings import read_settings
from search.benchmark import SamplerRun, run_sampler
from search.objective import Objective
from search.regret import ReferenceOptimum, reference_optimum, regrets, summary
from search.settings import Budgets, SearchSettings

ONE = SearchSettings(sampler="grid", trials=6)
TWO = SearchSettings(sampler="grid", trials=6, objective=Objective.parse("accuracy,macs"))


def run(name: str, seed: int, *best: float) -> SamplerRun:
    return SamplerRun(name, seed, best, (), (), seed, 0.5)


def test_the_optimum_is_the_highest_truth_within_budget(small_table: TableEvaluator) -> None:
    assert reference_optimum(small_table, ONE, []) == ReferenceOptimum(
        0.72, True, None, floor=pytest.approx(2.0)
    )
    narrow = SearchSettings(sampler="grid", budgets=Budgets(max_macs=100))
    assert reference_optimum(small_table, narrow, []).best == 0.61


def test_noise_is_the_deviation_between_seeds_pooled_over_networks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,s0,s1\n0,0.5,0.52\n1,0.6,0.7\n")
    (tmp_path / "t.toml").write_text('[table]\npath = "t.csv"\ndecisions = ["a"]\naccuracy = ["s0", "s1"]\n')
    # Variances of 2 and 50 square points; without a column of its own the truth is the mean of the seeds.
    assert reference_optimum(open_table(read_settings(tmp_path / "t.toml")), ONE, []) == ReferenceOptimum(
        pytest.approx(0.65), True, pytest.approx(math.sqrt(26))
    )


def test_the_noise_that_was_put_in_is_told(tmp_path: Path) -> None:
    """Three seeds each, some missing: the deviation is that of the seeds, not of three numbers about their mean."""
    rng = np.random.default_rng(0)
    values = 50 + 10 * rng.random((3000, 1)) + 0.45 * rng.normal(size=(3000, 3))
    frame = pd.DataFrame(values, columns=["s0", "s1", "s2"]).assign(a=range(3000))
    frame.loc[::3, "s1"] = np.nan
    frame.loc[::6, "s2"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["a"]\naccuracy = ["s0", "s1", "s2"]\nunit = "percent"\n'
    )
    found = reference_optimum(open_table(read_settings(tmp_path / "t.toml")), ONE, [])
    assert found.noise == pytest.approx(0.45, abs=0.01)


def test_regret_ends_at_a_floor_where_truth_is_another_column(small_table: TableEvaluator) -> None:
    optimum = reference_optimum(small_table, ONE, [])
    assert optimum.floor == pytest.approx(2.0)  # (2, 1) has the highest observed accuracy and a truth of 0.70
    assert summary([run_sampler(small_table, ONE)], optimum, [6])[0]["regret_mean"] == pytest.approx(
        optimum.floor
    )


def test_the_regret_of_losses_is_a_difference_of_losses(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,s0,s1\n0,3.0,3.2\n1,1.0,1.4\n2,2.0,2.0\n")
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["a"]\naccuracy = ["s0", "s1"]\nunit = "loss"\n'
    )
    table = open_table(read_settings(tmp_path / "t.toml"))
    settings = SearchSettings(sampler="grid", trials=3)
    optimum = reference_optimum(table, settings, [])
    # The truth of a network is the mean of its likelihoods.
    truths = np.exp([[-3.0, -3.2], [-1.0, -1.4], [-2.0, -2.0]]).mean(axis=1)
    assert optimum.best == pytest.approx(truths[1])
    assert optimum.regret([truths[2]]) == pytest.approx([np.log(truths[1] / truths[2])])
    assert optimum.noise == pytest.approx(math.sqrt((0.02 + 0.08 + 0) / 3))


def test_regret_is_the_optimum_minus_the_truth_in_points() -> None:
    runs = [run("random", 0, 0.5, 0.7, 0.7), run("random", 1, 0.6, 0.6), run("tpe", 0, 0.72, 0.72, 0.72)]
    optimum = ReferenceOptimum(0.72, True, 3.0)
    found = regrets(runs, optimum)
    assert found["random"] == pytest.approx(np.array([[22, 2], [12, 12]]))
    assert found["tpe"] == pytest.approx(np.array([[0, 0, 0]]))
    rows = summary(runs, optimum, [1, 3])
    assert [(row["sampler"], row["evaluations"], row["repeats"]) for row in rows] == [
        ("random", 1, 2),
        ("random", 3, 2),
        ("tpe", 1, 1),
        ("tpe", 3, 1),
    ]
    first, last = rows[:2]
    assert (first["regret_mean"], first["regret_median"]) == pytest.approx((17, 17))
    assert first["regret_sem"] == pytest.approx(5)  # deviation √50, over √2
    # The second run ended after two evaluations: it counts with its last.
    assert last["regret_mean"] == pytest.approx((2 + 12) / 2)
    assert rows[2]["regret_mean"] == pytest.approx(0) and rows[2]["regret_sem"] is None
    assert first["reused_mean"] == 0.5 and first["seconds_per_suggestion"] == 0.5


def test_evaluations_to_noise_need_half_of_the_runs() -> None:
    optimum = ReferenceOptimum(0.72, True, 3.0)
    reached, not_reached = run("tpe", 0, 0.5, 0.69, 0.72), run("tpe", 1, 0.5, 0.6, 0.68)

    def evaluations(*runs: SamplerRun) -> object:
        return summary(runs, optimum, [3])[0]["evaluations_to_noise"]

    assert evaluations(reached) == 2
    assert evaluations(reached, reached, not_reached) == 2
    assert evaluations(reached, not_reached, not_reached) is None
    assert summary([reached], replace(optimum, noise=None), [3])[0]["evaluations_to_noise"] is None


def test_the_front_that_a_search_names_is_judged_by_its_truth(small_table: TableEvaluator) -> None:
    """By what is observed, (2, 1) is on the front too; by truth it adds nothing."""
    found = run_sampler(small_table, TWO)
    optimum = reference_optimum(small_table, TWO, [found])
    # True front: (0.51, 50), (0.61, 100), (0.72, 200); a tenth of its extent beyond its nadir.
    corner, doubling = 0.51 - 0.021, math.log(2)
    assert optimum.front is not None and optimum.front.members == 3
    assert optimum.front.reference == pytest.approx((corner, math.log(200) + 0.2 * doubling))
    assert found.fronts[-1] == tuple(sorted(found.fronts[-1]))
    named = {found.points[at] for at in found.fronts[-1]}
    assert named == {(0.51, 50.0), (0.61, 100.0), (0.72, 200.0), (0.70, 400.0)}
    row = summary([found], optimum, [6])[0]
    assert math.isclose(row["hypervolume_share"], 1) and row["hypervolume_sem"] is None
    assert row["regret_mean"] == pytest.approx(2)  # the highest observed is not the highest true accuracy


def test_hypervolume_by_hand(small_table: TableEvaluator) -> None:
    found = run_sampler(small_table, TWO)
    optimum = reference_optimum(small_table, TWO, [found])
    # In units of (accuracy, doublings): the reference is (0.489, 200 MACs × 2^0.2).
    heights = {50.0: 0.51, 100.0: 0.61, 200.0: 0.72}
    widths = {50.0: 1.0, 100.0: 1.0, 200.0: 0.2}
    volume = sum(widths[macs] * (heights[macs] - 0.489) for macs in heights)
    cut = replace(found, points=((0.61, 100.0), (0.72, 200.0), (0.53, 100.0)), fronts=((0,), (0, 1), (2,)))
    assert optimum.front is not None
    shares = [
        summary([replace(cut, best=(0.6,) * 3)], optimum, [n])[0]["hypervolume_share"] for n in (1, 2, 3)
    ]
    one, two = 1.2 * (0.61 - 0.489), 1.0 * (0.61 - 0.489) + 0.2 * (0.72 - 0.489)
    assert shares == pytest.approx([one / volume, two / volume, 1.2 * (0.53 - 0.489) / volume])


def test_the_named_front_goes_by_means_and_leaves_repeats_out(tmp_path: Path) -> None:
    """A network that was lucky once leaves the front once it is measured again."""
    rng = np.random.default_rng(3)
    truth = np.linspace(0.5, 0.9, 40)
    seeds = np.clip(truth[:, None] + rng.normal(0, 0.05, (40, 6)), 0, 1)
    frame = pd.DataFrame(seeds, columns=[f"s{i}" for i in range(6)]).assign(
        a=range(40), macs=100 + np.arange(40)
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    names = ", ".join(f'"s{i}"' for i in range(6))
    (tmp_path / "t.toml").write_text(
        f'[table]\npath = "t.csv"\ndecisions = ["a"]\naccuracy = [{names}]\nmacs = "macs"\n'
    )
    table = open_table(read_settings(tmp_path / "t.toml"))
    settings = replace(TWO, sampler="random", trials=60, repeats=20)
    found = run_sampler(table, settings)
    assert len(found.fronts) == 60
    networks = {found.points[at] for at in found.fronts[-1]}
    assert len(networks) == len(found.fronts[-1])  # each network once
    assert found.fronts[39] != found.fronts[59]  # only repeats lie between


def test_the_front_of_a_surrogate_is_that_of_rows_and_networks_seen(small_table: TableEvaluator) -> None:
    better = SamplerRun("random", 0, (0.8,), ((0.8, 40.0),), ((0,),), 0, 0.5)
    optimum = reference_optimum(replace(small_table, surrogate=_Truths(small_table)), TWO, [better])
    assert optimum.front is not None and optimum.front.members == 1
    assert summary([better], optimum, [1])[0]["hypervolume_share"] == pytest.approx(1)


class _Truths(Surrogate):
    """Answers with the table's own truth."""

    def __init__(self, table: TableEvaluator) -> None:
        self._table = table

    def accuracy(self, position: tuple[int, ...]) -> float:
        return float(self._table.truths[self._table.index[position]])

    def costs(self, position: tuple[int, ...]) -> dict[str, float]:
        return {"macs": float(self._table.cost_columns["macs"][self._table.index[position]])}
