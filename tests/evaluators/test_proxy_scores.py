"""Several proxies score the same networks through one pool; blends of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.images.image_set import ImageSet
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings
from evaluators.proxies import ProxySet, evaluator, parts, split_list
from evaluators.proxy_scores import ProxyRuns, ProxyScore, blend, measure
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from space.errors import RunError


def net(channels: int = 4) -> Architecture:
    return Architecture((Conv(channels),), (), (GlobalPool(), Dense()), 8, 10, 1)


@dataclass(frozen=True)
class Broken(Evaluator):
    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        raise ValueError("no")
        yield


def test_every_proxy_scores_every_network_and_one_may_fail(digits: ImageSet) -> None:
    proxies = ProxySet(
        (evaluator("macs", digits), Broken(), evaluator("train:epochs=1", digits, device="cpu"))
    )
    networks = [net(4), net(8), net(12)]
    seen: list[tuple[int, int]] = []
    with open_pool(proxies, PoolSettings(workers=0)) as pool:
        found = measure(
            pool, ["macs", "broken", "train"], networks, repeats=2, report=lambda d, t: seen.append((d, t))
        )
    assert seen == [(i, 18) for i in range(1, 19)]
    macs, broken, train = found
    assert macs.runs[0] == sorted(macs.runs[0]) and macs.runs[0] == macs.runs[1]
    assert all(math.isnan(s) for s in broken.runs[0]) and broken.errors[0] == "ValueError: no"
    assert all(0 <= s <= 1 for s in train.runs[0]) and train.median_seconds > 0


def test_known_scores_are_not_measured_again() -> None:
    networks = [net(4), net(8), net(12)]
    known = {
        (n.key, "broken", 0): ProxyScore(n.key, "broken", 0, float(i), 2.0)
        for i, n in enumerate(networks[:2])
    }
    kept: list[ProxyScore] = []
    with open_pool(ProxySet((Broken(),)), PoolSettings(workers=0)) as pool:
        (found,) = measure(pool, ["broken"], networks, known=known, keep=kept.append)
    assert found.runs[0][:2] == [0.0, 1.0] and math.isnan(found.runs[0][2])
    assert found.seconds[0][:2] == [2.0, 2.0]
    assert [(s.key, s.error) for s in kept] == [(networks[2].key, "ValueError: no")]
    with open_pool(ProxySet((Broken(),)), PoolSettings(workers=0)) as pool:
        (again,) = measure(
            pool, ["broken"], networks[:2], known=known, report=lambda done, total: pytest.fail("measured")
        )
    assert again.runs == [[0.0, 1.0]]


@dataclass(frozen=True)
class Dead(Evaluator):
    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        raise RunError("nothing works here")


def test_a_comparison_in_which_everything_fails_says_why() -> None:
    with (
        open_pool(Dead(), PoolSettings(workers=0)) as pool,
        pytest.raises(RunError, match="nothing works here"),
    ):
        measure(pool, ["x"], [net()])


def test_a_blend_is_the_mean_of_ranks_and_costs_the_sum() -> None:
    assert parts("train:epochs=3,score=loss+macs") == ("train:epochs=3,score=loss", "macs")
    assert parts("train:learning_rate=1e+2") == ("train:learning_rate=1e+2",)
    assert split_list("naswot+macs,train:epochs=1,flip=true+macs+params") == [
        "naswot+macs",
        "train:epochs=1,flip=true+macs+params",
    ]
    one = ProxyRuns("one", [[0.1, 0.4, 0.2, math.nan]], [[1.0] * 4], ["lost"])
    two = ProxyRuns("two", [[5.0, 5.0, 9.0, 7.0]], [[0.5] * 4])
    both = blend("both", [one, two])
    # Ranks 2, 4, 3, 1 and 1.5, 1.5, 4, 3: what failed is last, ties share a rank.
    assert both.runs == [[1.75, 2.75, 3.5, 2.0]]
    assert both.median_seconds == 1.5 and both.errors == ["lost"]
    assert blend("one", [one]) is one
