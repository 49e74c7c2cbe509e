"""What samplers remember: the best and the newest trials, whatever came of them."""

from __future__ import annotations

import random

import numpy as np

from results.trial_result import Status, TrialResult
from search.encoding import Encoding
from search.history import History, score, values_of
from tests.search.fakes import FLAT


def filled(objectives: int, trials: int, capacity: int) -> tuple[History, list[tuple[float, ...]]]:
    history, rng = History(Encoding(FLAT), objectives, capacity), random.Random(0)
    values = []
    for number in range(trials):
        decisions = FLAT.sample(rng)
        history.begin(number, decisions)
        values.append(tuple(rng.random() for _ in range(objectives)))
        history.tell(TrialResult(number=number, status=Status.OK, decisions=decisions, values=values[-1]))
    return history, values


def test_a_view_holds_the_best_half_and_the_newest_of_the_rest() -> None:
    history, values = filled(1, 100, 20)
    seen = history.view().values[:, 0].tolist()
    best = sorted(v for (v,) in values)[-10:]
    assert len(seen) == 20 and set(best) <= set(seen)
    newest = [v for (v,) in values if v not in best][-10:]
    assert seen == [v for (v,) in values if v in best or v in newest]


def test_a_view_of_several_objectives_holds_the_front() -> None:
    history, values = filled(2, 60, 40)
    seen = set(map(tuple, history.view().values.tolist()))
    dominated = {v for v in values if any(o[0] >= v[0] and o[1] >= v[1] and o != v for o in values)}
    assert set(values) - dominated <= seen


def test_rows_that_were_begun_are_not_new_and_pending_until_told() -> None:
    history, _ = filled(1, 5, 20)
    rng = random.Random(1)
    decisions = FLAT.sample(rng)
    history.begin(5, decisions)
    row = Encoding(FLAT).row(decisions)
    assert history.pending.tolist() == [row.tolist()]
    other = (row + 1) % 3
    assert history.new(np.array([row, other, other])).tolist() == [other.tolist()]
    history.tell(TrialResult(number=5, status=Status.FAILED, decisions=decisions))
    assert history.pending.shape == (0, 5)


def test_failures_count_as_the_worst() -> None:
    results = [
        TrialResult(number=0, status=Status.OK, values=(0.5,)),
        TrialResult(number=1, status=Status.FAILED),
        TrialResult(number=2, status=Status.OK, values=(0.2,)),
    ]
    assert values_of(results, 1)[:, 0].tolist() == [0.5, 0.2, 0.2]
    assert values_of(results[1:2], 2).tolist() == [[0.0, 0.0]]


def test_scores_go_from_worst_to_best() -> None:
    assert score(np.array([[3.0], [1.0], [2.0]])).tolist() == [1.0, 0.0, 0.5]
    # The last is dominated by both others.
    assert score(np.array([[3.0, 1.0], [1.0, 3.0], [0.0, 0.0]]))[2] == 0.0
