"""Measured latency."""

from __future__ import annotations

import pytest

from evaluators.evaluator import Candidate
from evaluators.images.image_set import ImageSet
from evaluators.latency import latency
from evaluators.proxies import evaluator, parse
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from space.errors import InputError, UnknownNameError


def net(channels: int = 4) -> Architecture:
    return Architecture((Conv(channels),), (), (GlobalPool(), Dense()), 8, 10, 1)


def test_latency_is_a_positive_median_between_its_quartiles() -> None:
    found = latency(net(), repeats=9, warmup=1, device="cpu")
    assert 0 < found.fastest_seconds <= found.lower_seconds <= found.median_seconds <= found.upper_seconds
    assert (found.repeats, found.batch, found.threads, found.mode) == (9, 1, 1, "eager")
    assert found.spread >= 0


def test_an_exported_network_can_be_timed(digits: ImageSet) -> None:
    proxy = evaluator("latency:repeats=3,mode=exported,device=cpu", digits)
    (measured,) = proxy.measure(Candidate(0, {}, "", net(), 0))
    assert measured.extra["score"] < 0 and measured.extra["latency"]["mode"] == "exported"


def test_latency_refuses_what_makes_no_sense() -> None:
    with pytest.raises(InputError, match="mode"):
        latency(net(), mode="fast")
    with pytest.raises(InputError, match="repeats"):
        latency(net(), repeats=0)
    with pytest.raises(UnknownNameError):
        parse("speed")
