"""Signals that come in the middle of something."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy

from results.interruption import interrupt, is_interruption, whole


def test_an_interruption_waits_for_the_end_of_a_step() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        with whole():
            with whole():
                interrupt()
                done.append("inner")
            done.append("outer")
        done.append("never")
    assert done == ["inner", "outer"]
    with whole():
        done.append("the next step")  # nothing is left over


def test_the_second_one_does_not_wait() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), whole():
        interrupt()
        done.append("first")
        interrupt()
        done.append("second")
    assert done == ["first"]
    with whole():
        pass


def test_outside_a_step_it_is_raised_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_steps_of_other_threads_do_not_hold_it_back() -> None:
    inside, over = threading.Event(), threading.Event()

    def work() -> None:
        with whole():
            inside.set()
            over.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(10)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    finally:
        over.set()
        thread.join()


def test_what_a_library_makes_of_an_interruption_is_still_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(transaction: object) -> None:
        raise KeyboardInterrupt

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    # SQLAlchemy checks its own state after a commit, and finds one that an exception between two of its lines left.
    monkeypatch.setattr(sqlalchemy.RootTransaction, "_do_commit", interrupted)
    with pytest.raises(AssertionError) as raised, engine.connect() as connection:
        connection.begin().commit()
    assert is_interruption(raised.value)
    assert not is_interruption(AssertionError())
    assert not is_interruption(None)
