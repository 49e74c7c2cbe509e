"""What is said of workers that wait for a place, and when a search without any ends."""

from __future__ import annotations

import pytest

from evaluators.pools.placement import Places
from space.errors import RunError


def test_it_says_how_many_wait_and_when_none_does_any_more() -> None:
    said: list[str] = []
    places = Places(600.0, said.append, slow=15.0)
    places.look([0.0, 0.0], 2, 1.0)
    places.look([], 2, 5.0)
    assert said == []  # they were starting
    places.look([10.0], 2, 20.0)
    places.look([10.0], 2, 30.0)
    places.look([10.0], 2, 40.0)
    assert said == ["1 of 2 workers wait for a place on Ray's nodes; the search goes on with the other 1"]
    places.look([10.0, 41.0], 2, 57.0)
    assert said[1:] == [
        "2 of 2 workers wait for a place on Ray's nodes; the search goes on when there is one"
    ]
    places.look([41.0], 2, 58.0)
    places.look([], 2, 60.0)
    assert said[3:] == ["all 2 workers have a place again"]


def test_a_search_without_a_worker_ends_when_its_patience_does() -> None:
    places = Places(600.0, lambda text: None)
    places.look([0.0, 0.0], 2, 1.0)
    places.look([0.0], 2, 500.0)  # one is up
    places.look([0.0, 501.0], 2, 502.0)
    places.look([0.0, 501.0], 2, 1101.0)
    with pytest.raises(RunError, match="workers: wanted nodes with room for a worker, got none within 600 s"):
        places.look([0.0, 501.0], 2, 1103.0)
