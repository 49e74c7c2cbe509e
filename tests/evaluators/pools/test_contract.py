"""One contract for all pools: what is submitted ends, and whatever happens to it is an event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray

from evaluators.evaluator import Failure
from evaluators.pools import running_trial
from evaluators.pools.inline import InlinePool
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import Pool, PoolSettings
from evaluators.pools.running_trial import GRACE_SECONDS
from evaluators.pools.thread import ThreadPool
from results.trial_result import Status
from space.errors import RunError
from tests.evaluators.fakes import Fake
from tests.evaluators.pools.driving import candidate, drain


@pytest.fixture(params=["inline", "thread", "ray"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool of each kind, with one slot."""
    if request.param == "ray":
        yield request.getfixturevalue("ray_pool")
    else:
        with (InlinePool if request.param == "inline" else ThreadPool)(Fake()) as made:
            yield made


@pytest.fixture(params=["thread", "ray"])
def beside(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool of each kind whose trials run beside the driver."""
    if request.param == "ray":
        yield request.getfixturevalue("ray_pool")
    else:
        with ThreadPool(Fake()) as made:
            yield made


def forbid_waiting(patch: pytest.MonkeyPatch) -> None:
    """Whatever the driver could wait with fails in the driver's thread."""
    for owner, name in ((ray, "get"), (ray, "wait"), (threading.Condition, "wait"), (time, "sleep")):
        patch.setattr(owner, name, _not_in_the_driver(getattr(owner, name)))


def _not_in_the_driver(wait: Callable[..., Any]) -> Callable[..., Any]:
    def waited(*arguments: Any, **options: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread(), "the driver waits"
        return wait(*arguments, **options)

    return waited


class TestEveryPool:
    def test_every_trial_reports_its_epochs_in_order_and_ends_once(self, pool: Pool) -> None:
        events = drain(pool, [candidate(n, epochs=3) for n in range(7)])
        assert sorted(events) == list(range(7))
        for number, seen in events.items():
            assert [e.measurement.epoch for e in seen if e.measurement] == [1, 2, 3]
            assert [e.measurement.accuracy for e in seen if e.measurement][-1] == number + 0.03
            assert [e.done for e in seen] == [False] * 3 + [True]
            assert all(e.worker for e in seen)

    def test_a_failing_candidate_is_a_value_and_the_next_one_runs(self, pool: Pool) -> None:
        kinds = {0: "raise", 1: "diverge", 2: "exit", 3: "hog", 4: "work"}
        events = drain(pool, [candidate(n, do) for n, do in kinds.items()])
        failures = {n: e[-1].failure for n, e in events.items()}
        assert failures[0] == Failure(Status.FAILED, "ValueError: an odd layer")
        assert failures[1] == Failure(Status.NAN, "the training loss became nan in epoch 1")
        assert failures[2] == Failure(Status.FAILED, "SystemExit: 3")
        assert failures[3] is not None and failures[3].status is Status.OOM
        assert failures[4] is None and events[4][-1].done
        assert all(events[n][0].measurement is not None for n in kinds)

    def test_a_cancelled_trial_frees_its_slot_at_once_and_is_silent(self, pool: Pool) -> None:
        pool.submit(candidate(0, epochs=3, pause=0.02))
        assert pool.free == pool.slots - 1
        pool.cancel(0)
        assert pool.free == pool.slots
        assert pool.poll(0.2) == []
        assert list(drain(pool, [candidate(9)])) == [9]

    def test_cancelling_what_does_not_run_changes_nothing(self, pool: Pool) -> None:
        drain(pool, [candidate(0)])
        pool.cancel(0)
        pool.submit(candidate(1))
        pool.cancel(0)
        pool.cancel(77)
        assert drain(pool, [])[1][-1].done

    def test_a_full_pool_refuses_and_an_idle_one_returns_at_once(self, pool: Pool) -> None:
        assert pool.poll(None) == []
        pool.submit(candidate(0, pause=0.05))
        with pytest.raises(RunError, match="no slot is free"):
            pool.submit(candidate(9))
        assert drain(pool, [])[0][-1].done


class TestPoolsBesideTheDriver:
    def test_epochs_arrive_while_the_trial_goes_on(self, beside: Pool) -> None:
        beside.submit(candidate(0, epochs=3, pause=0.2))
        first = beside.poll(20.0)
        assert [e.measurement.epoch for e in first if e.measurement] == [1]
        assert beside.free == beside.slots - 1
        assert drain(beside, [])[0][-1].done

    def test_a_cancelled_trial_leaves_before_the_next_one_starts(self, beside: Pool) -> None:
        beside.submit(candidate(0, epochs=1000, pause=0.02))
        assert {e.number for e in beside.poll(20.0)} == {0}  # of a slow reader several epochs at once
        beside.cancel(0)
        (done,) = drain(beside, [candidate(9)]).values()
        assert [e.measurement.extra["running"] for e in done if e.measurement] == [[9], [9]]

    def test_trials_cancelled_one_after_the_other_leave_the_worker_in_order(self, beside: Pool) -> None:
        """Most cancellations come while the trial is between two measurements, some at its very end."""
        for number in range(60):
            beside.submit(candidate(number, epochs=1 + number % 4, pause=0.001 * (number % 7)))
            if number % 3:
                beside.poll(20.0)
            beside.cancel(number)
            assert beside.free == beside.slots
        (seen,) = drain(beside, [candidate(100)]).values()
        assert seen[-1].done
        assert [e.measurement.extra["running"] for e in seen if e.measurement] == [[100], [100]]

    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_spinning_trial_times_out(self, workers: int, ray_session: None) -> None:
        settings = PoolSettings(workers=workers, trial_timeout=1.5)
        with open_pool(Fake(), settings) as pool:
            events = drain(pool, [candidate(0, "spin"), candidate(1)])
        reason = "not finished after 1.5 s (--trial-timeout)"
        assert events[0][-1].failure == Failure(Status.TIMEOUT, reason)
        assert events[1][-1].done

    @pytest.mark.parametrize(("workers", "grace"), [(0, 1.0), (1, GRACE_SECONDS)])
    def test_a_trial_that_ignores_its_flag_is_left_behind(
        self, workers: int, grace: float, ray_session: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Within its time limit, although the next trial waits for the whole grace period first."""
        monkeypatch.setattr(running_trial, "GRACE_SECONDS", grace)
        settings = PoolSettings(workers=workers, trial_timeout=0.8 * grace)
        with open_pool(Fake(), settings) as pool:
            pool.submit(candidate(0, "ignore", pause=0.01))
            assert pool.poll(30.0)[0].measurement is not None
            with monkeypatch.context() as patch:
                forbid_waiting(patch)
                pool.cancel(0)
            events = drain(pool, [candidate(1)])
        assert events[1][-1].done and set(events) == {1}
