"""The best found network against the best stock network: paired where both say which images they have right."""

from __future__ import annotations

import numpy as np
import pytest

from results.intervals import paired_difference
from results.networks import Networks
from results.right_images import RIGHT, packed, right_images
from results.stock import against_stock, measured_stock
from results.trial_result import Status, TrialResult

RNG = np.random.default_rng(3)


def trial(number: int, right: object, **more: object) -> TrialResult:
    flags = np.asarray(right, dtype=bool)
    known = {"status": Status.OK, "accuracy": float(flags.mean()), "values": (float(flags.mean()),)}
    return TrialResult(number=number, **{**known, "extra": {RIGHT: packed(flags)}, **more})  # type: ignore[arg-type]


def drawn(share: float, count: int = 400) -> np.ndarray:  # type: ignore[type-arg]
    return np.arange(count) < share * count


def test_the_images_come_back() -> None:
    for count in (1, 7, 8, 9, 341):
        flags = RNG.random(count) < 0.7
        assert right_images({RIGHT: packed(flags)}).tolist() == flags.tolist()  # type: ignore[union-attr]
    assert right_images({}) is None
    assert right_images({RIGHT: "9:AA=="}) is None
    assert right_images({RIGHT: "8:not base 64"}) is None


def test_single_measurements_are_compared_image_by_image() -> None:
    mine, theirs = drawn(0.8), drawn(0.7)
    trials = [
        trial(0, theirs, stock="resnet18@width=0.1"),
        trial(1, drawn(0.5), stock="vgg16"),
        trial(2, mine),
    ]
    compared = against_stock(Networks("accuracy", trials), trials)
    assert compared is not None and compared.difference is not None
    assert (compared.found.number, compared.stock.number, compared.images) == (2, 0, 400)
    expected = paired_difference(mine, theirs)
    assert compared.difference.low == pytest.approx(expected.low)
    assert compared.difference.high == pytest.approx(expected.high)
    assert compared.verdict == "better"
    assert compared.sentence().startswith(
        "the best found network is +10.0 points [+7.0, +13.0] over the best stock network (resnet18@width=0.1, trial 0): it is better"
    )


def test_the_length_of_the_trainings_is_said() -> None:
    trials = [trial(0, drawn(0.7), stock="resnet18", epochs=6), trial(1, drawn(0.8), epochs=6)]
    compared = against_stock(Networks("accuracy", trials), trials)
    assert compared is not None
    assert "(resnet18, trial 0) after 6 epochs: it is better" in compared.sentence()


def test_a_search_that_was_not_worth_it_says_so() -> None:
    trials = [trial(0, drawn(0.9), stock="resnet18"), trial(1, drawn(0.7)), trial(2, drawn(0.6))]
    compared = against_stock(Networks("accuracy", trials), trials)
    assert compared is not None and compared.verdict == "worse"
    trials[0] = trial(0, drawn(0.7), stock="resnet18")
    compared = against_stock(Networks("accuracy", trials), trials)
    assert compared is not None and compared.verdict == "undecided"


def test_the_noise_between_seeds_widens_the_interval() -> None:
    single = [trial(0, drawn(0.7), stock="resnet18"), trial(1, drawn(0.8))]
    repeated = [*single, trial(2, drawn(0.7), repeat_of=1)]
    narrow, wide = (against_stock(Networks("accuracy", some), some) for some in (single, repeated))
    assert narrow is not None and wide is not None
    assert narrow.difference is not None and wide.difference is not None
    assert wide.value == pytest.approx(0.05, abs=0.02), "the mean of both measurements counts"
    assert wide.difference.high - wide.difference.low > narrow.difference.high - narrow.difference.low
    assert wide.verdict == "undecided"


def test_without_images_or_repeats_no_noise_is_known() -> None:
    trials = [trial(0, drawn(0.7), stock="resnet18", extra={}), trial(1, drawn(0.8))]
    compared = against_stock(Networks("accuracy", trials), trials)
    assert compared is not None and compared.difference is None and compared.verdict == "undecided"
    assert "+10.0 points over the best" in compared.sentence()


def test_nothing_is_compared_where_a_side_is_missing() -> None:
    found = [trial(0, drawn(0.7))]
    assert against_stock(Networks("accuracy", found), found) is None
    only = [trial(0, drawn(0.7), stock="resnet18")]
    assert against_stock(Networks("accuracy", only), only) is None
    failed = [
        trial(0, drawn(0.7), stock="resnet18", status=Status.NAN),
        trial(1, drawn(0.6), stock="a", feasible=False),
    ]
    assert measured_stock(failed) == []
