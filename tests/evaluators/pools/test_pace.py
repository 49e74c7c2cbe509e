"""How long a trial may take that was given no limit, and a worker that was stopped."""

from __future__ import annotations

import os
import re
import signal

import pytest

from evaluators.evaluator import Candidate, FidelitySchedule
from evaluators.pools import pace
from evaluators.pools.pace import LEAST_SECONDS, Pace, work_of
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray import RayPool
from space.architecture import Architecture
from space.blocks import Conv, Dense, GlobalPool
from tests.evaluators.fakes import Fake
from tests.evaluators.pools.driving import candidate, drain


def network(channels: int) -> Candidate:
    net = Architecture((Conv(channels, kernel=1), Conv(channels)), (), (GlobalPool(), Dense()), 8, 10, 1)
    return Candidate(channels, {}, net.key, net, 0)


def test_a_trial_may_take_ten_times_what_the_slowest_took_for_its_macs() -> None:
    small, large = network(8), network(32)
    assert work_of(large) > 10 * work_of(small)
    found = Pace(None, FidelitySchedule(4))
    assert found.seconds(small) is None  # nothing is known
    found.measured(small, 1, 40.0)  # of four epochs
    assert found.seconds(small) == pytest.approx(1600)
    assert found.seconds(large) == pytest.approx(1600 * work_of(large) / work_of(small))
    found.measured(small, 4, 100.0)
    assert found.seconds(small) == pytest.approx(1600)
    found.measured(small, 4, 200.0)
    assert found.seconds(small) == pytest.approx(2000)


def test_fast_trials_have_some_minutes_all_the_same() -> None:
    found = Pace(None)
    found.measured(candidate(0), 1, 0.5)
    assert found.seconds(candidate(1)) == LEAST_SECONDS >= 180
    assert "at least 5 min" in found.sentence() and "--trial-timeout" in found.sentence()


def test_of_trainings_of_rising_length_only_the_whole_trial_counts() -> None:
    found = Pace(None, FidelitySchedule(3, restarts=True))
    found.measured(candidate(0), 1, 1.0)
    found.measured(candidate(0), 2, 1000.0)
    assert found.seconds(candidate(1)) is None
    found.measured(candidate(0), 3, 2000.0)
    assert found.seconds(candidate(1)) == 20000


@pytest.mark.parametrize(("limit", "seconds"), [(0.0, None), (7.0, 7.0)])
def test_what_was_asked_for_holds(limit: float, seconds: float | None) -> None:
    found = Pace(limit)
    found.measured(candidate(0), 1, 100.0)
    assert found.seconds(candidate(1)) == seconds


def test_a_stopped_worker_is_replaced_and_its_trial_begun_again(
    ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LEAST_SECONDS", 1.5)
    said: list[str] = []
    with RayPool(Fake(), PoolSettings(workers=1), said.append) as pool:
        drain(pool, [candidate(0)])
        pool.submit(candidate(1, epochs=3, pause=0.2))
        (first, *_) = pool.poll(30.0)
        os.kill(pid := int(first.worker.rsplit(":", 1)[1]), signal.SIGSTOP)
        events = drain(pool, [])[1]
        again = [bool(event.restarted) for event in events].index(True)
        assert [e.measurement.epoch for e in events[again:] if e.measurement] == [1, 2, 3]
        assert events[-1].done and not events[-1].worker.endswith(f":{pid}")
    assert re.search(r"gave no answer for \d+ s, it seems to hang", said[0])
