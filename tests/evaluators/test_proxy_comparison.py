"""Proxies side by side: truths that are known, truths that are measured, failures, and the gain over what is free."""

from __future__ import annotations

import math

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.proxies import evaluator
from evaluators.proxy_comparison import ProxyComparison, compare
from evaluators.proxy_scores import ProxyScore
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from space.errors import InputError
from tests.evaluators.test_proxy_scores import Broken

NETWORKS = tuple(
    Architecture((Conv(channels),), (), (GlobalPool(), Dense()), 8, 10, 1) for channels in (4, 8, 12, 16)
)


def comparison(digits: ImageSet, truth: tuple[float, ...] | None, *names: str) -> ProxyComparison:
    evaluators = tuple(Broken() if name == "broken" else evaluator(name, digits) for name in names)
    return ProxyComparison("c", NETWORKS, names, names, evaluators, truth)


def test_proxies_are_sorted_by_how_they_rank_and_failures_are_counted(digits: ImageSet) -> None:
    rows = compare(comparison(digits, (0.1, 0.2, 0.3, 0.4), "broken", "synflow", "macs"))
    assert rows[0]["spearman"] == pytest.approx(1) and rows[0]["failures"] == 0
    by_name = {row["proxy"]: row for row in rows}
    assert by_name["broken"]["failures"] == 4 and math.isnan(by_name["broken"]["spearman"])
    assert rows[-1]["proxy"] == "broken"
    assert by_name["macs"]["gain"] is None
    gain = by_name["synflow"]["spearman"] - by_name["macs"]["spearman"]
    assert by_name["synflow"]["gain"] == pytest.approx(gain)


def test_without_a_truth_the_first_evaluator_measures_it_and_rankings_take_part(digits: ImageSet) -> None:
    ranking = {"the study": ([4.0, 3.0, 2.0, 1.0], 7.0)}
    measured = ProxyComparison(
        "c",
        NETWORKS,
        ("params",),
        ("macs", "params"),
        (evaluator("macs", digits), evaluator("params", digits)),
        None,
        ranking,
    )
    rows = {row["proxy"]: row for row in compare(measured)}
    assert rows["params"]["spearman"] == pytest.approx(1)
    assert rows["the study"]["spearman"] == pytest.approx(-1) and rows["the study"]["seconds"] == 7.0
    assert measured.truth_by_key() == {}


def test_known_scores_are_used_and_new_ones_kept(digits: ImageSet) -> None:
    known = {
        (n.key, "broken", 0): ProxyScore(n.key, "broken", 0, float(i), 1.0) for i, n in enumerate(NETWORKS)
    }
    kept: list[ProxyScore] = []
    truth = (0.1, 0.2, 0.3, 0.4)
    rows = compare(comparison(digits, truth, "broken", "macs"), known=known, keep=kept.append)
    assert {row["proxy"]: row["spearman"] for row in rows}["broken"] == pytest.approx(1)
    assert {score.proxy for score in kept} == {"macs"} and len(kept) == len(NETWORKS)


def test_three_networks_with_a_truth_are_wanted(digits: ImageSet) -> None:
    with pytest.raises(InputError, match="c: wanted three or more networks with a truth, got 2"):
        compare(comparison(digits, (0.1, 0.2, math.nan, math.nan), "macs"))
