"""Regret and hypervolume of searches on a small made-up table, against computations by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluators.table import TableEvaluator
from evaluators.table_file import open_table
from evaluators.table_settings import read_settings
from search.benchmark import SamplerRun, run_sampler
from search.objective import Objective
from search.regret import ReferenceOptimum, hypervolume_share, reference_optimum, regrets, summary
from search.settings import Budgets, SearchSettings

ONE = SearchSettings(sampler="grid", trials=6)
TWO = SearchSettings(sampler="grid", trials=6, objective=Objective.parse("accuracy,macs"))
DIRECTIONS = ("maximize", "minimize")


def run(name: str, seed: int, *best: float, points: tuple[tuple[float, float], ...] = ()) -> SamplerRun:
    return SamplerRun(name, seed, best, points, seed, 0.5)


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
    assert summary([run_sampler(small_table, ONE)], optimum, [6], ("maximize",))[0][
        "regret_mean"
    ] == pytest.approx(optimum.floor)


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
    rows = summary(runs, optimum, [1, 3], ("maximize",))
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
        return summary(runs, optimum, [3], ("maximize",))[0]["evaluations_to_noise"]

    assert evaluations(reached) == 2
    assert evaluations(reached, reached, not_reached) == 2
    assert evaluations(reached, not_reached, not_reached) is None
    assert (
        summary([reached], replace(optimum, noise=None), [3], ("maximize",))[0]["evaluations_to_noise"]
        is None
    )


def test_hypervolume_by_hand(small_table: TableEvaluator) -> None:
    optimum = reference_optimum(small_table, TWO, [])
    # Measured from an accuracy of 0.51 and 400 MACs, the front is (0.61, 100) and (0.72, 200): 0.10 of accuracy for
    # 300 MACs less, and 0.11 more for 200 less. (0.51, 50) is on the front too, but adds no accuracy.
    assert optimum.reference_point == (0.51, 400)
    assert optimum.volume == pytest.approx(0.10 * 300 + 0.11 * 200)
    points = ((0.66, 300.0), (0.61, 100.0), (0.53, 100.0), (0.72, 200.0))
    one = run("random", 0, 0.5, points=points)
    shares = [hypervolume_share(one, optimum, n, DIRECTIONS) for n in (1, 2, 3, 4)]
    assert shares == pytest.approx([15 / 52, (0.10 * 300 + 0.05 * 100) / 52, 35 / 52, 1])
    row = summary([one], optimum, [2], DIRECTIONS)[0]
    assert row["hypervolume_share"] == pytest.approx(35 / 52) and row["hypervolume_sem"] is None


def test_a_search_of_the_whole_table_has_all_of_the_hypervolume(small_table: TableEvaluator) -> None:
    found = run_sampler(small_table, TWO)
    optimum = reference_optimum(small_table, TWO, [found])
    row = summary([found], optimum, [6], DIRECTIONS)[0]
    assert math.isclose(row["hypervolume_share"], 1)
    assert row["regret_mean"] == pytest.approx(2)  # the highest observed is not the highest true accuracy
