"""Proxies by name, the panel, the comparison and latency."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from evaluators.comparison import Score, Scores, blend, measure, rows
from evaluators.evaluator import Candidate, Measurement
from evaluators.images.image_set import ImageSet
from evaluators.latency import latency
from evaluators.proxies import SCORES, Panel, evaluator, parse, parts, split_list
from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.training import TrainEvaluator
from evaluators.workers import open_pool
from evaluators.zero_cost import BASELINES
from evaluators.zero_cost import SCORES as KNOWN
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from space.errors import InputError, RunError, UnknownNameError
from space.spaces import space


def net(channels: int = 4) -> Architecture:
    return Architecture((Conv(channels),), (), (GlobalPool(), Dense()), 8, 10, 1)


def test_text_becomes_a_name_and_settings() -> None:
    assert parse("train:epochs=3,flip=true,width=0.5,optimizer=adamw,resolution=none") == (
        "train",
        {"epochs": 3, "flip": True, "width": 0.5, "optimizer": "adamw", "resolution": None},
    )
    assert parse("macs") == ("macs", {})
    assert split_list("macs, train:epochs=1,flip=true,naswot") == [
        "macs",
        "train:epochs=1,flip=true",
        "naswot",
    ]
    assert set(SCORES) == set(KNOWN) | set(BASELINES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tran:epochs=1", "no such name 'tran' .nearest: train"),
        ("train:epoch=1", "no such name 'epoch' .nearest: epochs"),
        ("train:epochs", "settings as name=value"),
        ("train:epochs=0", "proxy train:epochs=0: epochs: wanted"),
        ("train:epochs=x", "proxy train:epochs=x"),
        ("naswot:device_=1", "no such name"),
    ],
)
def test_bad_proxies_are_named(digits: ImageSet, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluator(text, digits)


def test_a_blend_is_the_mean_of_ranks_and_costs_the_sum() -> None:
    assert parts("train:epochs=3,score=loss+macs") == ("train:epochs=3,score=loss", "macs")
    assert parts("train:learning_rate=1e+2") == ("train:learning_rate=1e+2",)
    assert split_list("naswot+macs,train:epochs=1,flip=true+macs+params") == [
        "naswot+macs",
        "train:epochs=1,flip=true+macs+params",
    ]
    one = Scores("one", [[0.1, 0.4, 0.2, math.nan]], [[1.0] * 4], ["lost"])
    two = Scores("two", [[5.0, 5.0, 9.0, 7.0]], [[0.5] * 4])
    both = blend("both", [one, two])
    # Ranks 2, 4, 3, 1 and 1.5, 1.5, 4, 3: what failed is last, ties share a rank.
    assert both.runs == [[1.75, 2.75, 3.5, 2.0]]
    assert both.median_seconds == 1.5 and both.errors == ["lost"]
    assert blend("one", [one]) is one


def test_a_supernet_wants_a_space_and_has_defaults_of_its_own(digits: ImageSet) -> None:
    mixed = space("mixed", resolution=8, in_channels=1)
    made = evaluator("supernet:flip=true,elastic=false", digits, space=mixed, epochs=3, batch_size=32)
    assert isinstance(made, SupernetEvaluator)
    assert (made.trainer.epochs, made.trainer.batch_size, made.trainer.flip) == (60, 32, True)
    assert made.trainer.score == "loss" and not made.elastic
    one = evaluator("supernet:epochs=7,score=accuracy,statistics_images=99", digits, space=mixed)
    assert isinstance(one, SupernetEvaluator)
    assert (one.trainer.epochs, one.trainer.score, one.statistics_images) == (7, "accuracy", 99)
    with pytest.raises(InputError, match="proxy supernet: wanted a space to share weights in"):
        evaluator("supernet", digits)
    with pytest.raises(UnknownNameError, match=r"no such name 'epoch' .nearest: epochs"):
        evaluator("supernet:epoch=1", digits, space=mixed)
    with pytest.raises(InputError, match="statistics_images: wanted 64"):
        evaluator("supernet:statistics_images=1", digits, space=mixed)


def test_defaults_hold_where_the_text_is_silent(digits: ImageSet) -> None:
    made = evaluator("train:epochs=2", digits, epochs=9, batch_size=32, repeats=3)
    assert isinstance(made, TrainEvaluator)
    assert (made.epochs, made.batch_size) == (2, 32)


@dataclass(frozen=True)
class Broken:
    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        raise ValueError("no")
        yield


def test_a_panel_scores_every_network_by_every_proxy_and_survives_one(digits: ImageSet) -> None:
    panel = Panel((evaluator("macs", digits), Broken(), evaluator("train:epochs=1", digits, device="cpu")))
    networks = [net(4), net(8), net(12)]
    seen: list[tuple[int, int]] = []
    with open_pool(panel, workers=0) as pool:
        found = measure(
            pool, ["macs", "broken", "train"], networks, repeats=2, report=lambda d, t: seen.append((d, t))
        )
    assert seen == [(i, 18) for i in range(1, 19)]
    macs, broken, train = found
    assert macs.runs[0] == sorted(macs.runs[0]) and macs.runs[0] == macs.runs[1]
    assert all(math.isnan(s) for s in broken.runs[0]) and broken.errors[0] == "ValueError: no"
    assert all(0 <= s <= 1 for s in train.runs[0]) and train.median_seconds > 0
    table = rows(found, [0.1, 0.2, 0.3], resamples=50)
    assert table[0]["proxy"] == "macs" and table[0]["spearman"] == pytest.approx(1)
    assert next(r for r in table if r["proxy"] == "broken")["failures"] == 3


def test_known_scores_are_not_measured_again() -> None:
    networks = [net(4), net(8), net(12)]
    known = {
        (n.key, "broken", 0): Score(n.key, "broken", 0, float(i), 2.0) for i, n in enumerate(networks[:2])
    }
    kept: list[Score] = []
    with open_pool(Panel((Broken(),)), workers=0) as pool:
        (found,) = measure(pool, ["broken"], networks, known=known, keep=kept.append)
    assert found.runs[0][:2] == [0.0, 1.0] and math.isnan(found.runs[0][2])
    assert found.seconds[0][:2] == [2.0, 2.0]
    assert [(s.key, s.error) for s in kept] == [(networks[2].key, "ValueError: no")]
    with open_pool(Panel((Broken(),)), workers=0) as pool:
        (again,) = measure(
            pool, ["broken"], networks[:2], known=known, report=lambda done, total: pytest.fail("measured")
        )
    assert again.runs == [[0.0, 1.0]]


@dataclass(frozen=True)
class Dead:
    def describe(self) -> dict[str, Any]:
        return {}

    def evaluate(self, candidate: Candidate) -> Iterator[Measurement]:
        raise RunError("nothing works here")


def test_a_comparison_in_which_everything_fails_says_why() -> None:
    with open_pool(Dead(), workers=0) as pool, pytest.raises(RunError, match="nothing works here"):
        measure(pool, ["x"], [net()])


def test_latency_is_a_positive_median_between_its_quartiles() -> None:
    found = latency(net(), repeats=9, warmup=1, device="cpu")
    assert 0 < found.fastest_seconds <= found.lower_seconds <= found.median_seconds <= found.upper_seconds
    assert (found.repeats, found.batch, found.threads, found.mode) == (9, 1, 1, "eager")
    assert found.spread >= 0


def test_an_exported_network_can_be_timed(digits: ImageSet) -> None:
    measured = next(
        iter(
            evaluator("latency:repeats=3,mode=exported,device=cpu", digits).evaluate(
                Candidate(0, {}, "", net(), 0)
            )
        )
    )
    assert measured.extra["score"] < 0 and measured.extra["latency"]["mode"] == "exported"


def test_latency_refuses_what_makes_no_sense() -> None:
    with pytest.raises(InputError, match="mode"):
        latency(net(), mode="fast")
    with pytest.raises(InputError, match="repeats"):
        latency(net(), repeats=0)
    with pytest.raises(UnknownNameError):
        parse("speed")
