"""Proxies by name."""

from __future__ import annotations

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.init_scores.scores import BASELINES, INIT_SCORES
from evaluators.proxies import PROXIES, evaluator, parse, proxy_help, split_list
from evaluators.supernet.evaluator import SupernetEvaluator
from evaluators.training import TrainEvaluator
from space.errors import InputError, UnknownNameError
from space.spaces import space


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
    assert {*INIT_SCORES, *BASELINES} < set(PROXIES)
    assert all(name in proxy_help() for name in PROXIES)


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


def test_a_supernet_wants_a_space_and_has_defaults_of_its_own(digits: ImageSet) -> None:
    mixed = space("mixed", resolution=8, in_channels=1)
    made = evaluator("supernet:flip=true,elastic=false", digits, space=mixed, epochs=3, batch_size=32)
    assert isinstance(made, SupernetEvaluator)
    assert (made.trainer.recipe.epochs, made.trainer.recipe.batch_size, made.trainer.recipe.flip) == (
        60,
        32,
        True,
    )
    assert made.trainer.score == "loss" and not made.elastic
    one = evaluator("supernet:epochs=7,score=accuracy,statistics_images=99", digits, space=mixed)
    assert isinstance(one, SupernetEvaluator)
    assert (one.trainer.recipe.epochs, one.trainer.score, one.statistics_images) == (7, "accuracy", 99)
    with pytest.raises(InputError, match="proxy supernet: wanted a space to share weights in"):
        evaluator("supernet", digits)
    with pytest.raises(UnknownNameError, match=r"no such name 'epoch' .nearest: epochs"):
        evaluator("supernet:epoch=1", digits, space=mixed)
    with pytest.raises(InputError, match="statistics_images: wanted 64"):
        evaluator("supernet:statistics_images=1", digits, space=mixed)


def test_defaults_hold_where_the_text_is_silent(digits: ImageSet) -> None:
    made = evaluator("train:epochs=2", digits, epochs=9, batch_size=32, repeats=3)
    assert isinstance(made, TrainEvaluator)
    assert (made.recipe.epochs, made.recipe.batch_size) == (2, 32)
