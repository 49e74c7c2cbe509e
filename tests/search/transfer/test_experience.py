"""What is taken over from a study: a bounded, scaled choice of its networks that survives being stored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from search.encoding import Encoding
from search.transfer.experience import CAPACITY, Experience
from space.errors import InputError
from tests.search.fakes import CONDITIONAL, FLAT

EVERY = list(FLAT.enumerate())


def made(values: list[float]) -> Experience:
    return Experience.of("s", Encoding(FLAT), EVERY[: len(values)], values)


def test_scores_keep_the_order_and_do_not_depend_on_unit_or_level() -> None:
    values = [float(v) for v in np.random.default_rng(0).normal(size=40)]
    one, other = made(values), made([30 + 100 * v for v in values])
    assert np.allclose(one.scores, other.scores, atol=1e-5)
    assert (np.diff(one.scores) <= 0).all(), "the best network comes first"
    encoding = Encoding(FLAT)
    assert encoding.assignment(one.best[0]) == EVERY[int(np.argmax(values))]


def test_of_a_large_study_the_best_are_taken_and_others_of_every_rank() -> None:
    many = [EVERY[i % len(EVERY)] for i in range(3 * CAPACITY)]
    values = [float(i) for i in range(len(many))]
    found = Experience.of("s", Encoding(FLAT), many, values)
    assert len(found.rows) == CAPACITY
    best = {tuple(Encoding(FLAT).row(many[i])) for i in range(len(many) - CAPACITY // 2, len(many))}
    assert best <= set(map(tuple, found.rows.tolist()))
    assert found.scores.min() == made_scores(values).min()


def made_scores(values: list[float]) -> np.ndarray:
    from search.controller.rewards import RewardScale

    kept = sorted(values, reverse=True)
    rest = kept[CAPACITY // 2 :]
    spread = [rest[round(i)] for i in np.linspace(0, len(rest) - 1, CAPACITY - CAPACITY // 2)]
    chosen = np.array([*kept[: CAPACITY // 2], *spread])[:, None]
    return np.round(RewardScale.of(chosen).apply(chosen)[:, 0], 6)


def test_it_is_the_same_after_it_was_stored() -> None:
    networks = [CONDITIONAL.sample(__import__("random").Random(i)) for i in range(20)]
    found = Experience.of("s", Encoding(CONDITIONAL), networks, [i / 7 for i in range(20)])
    again = Experience.from_json(json.loads(json.dumps(found.to_json())))
    assert again.study == "s"
    assert np.array_equal(again.rows, found.rows)
    assert np.array_equal(again.scores, found.scores)


def test_what_was_changed_in_the_storage_is_refused() -> None:
    stored = made([0.1, 0.4, 0.2]).to_json()
    stored["scores"][0] += 0.5
    with pytest.raises(InputError, match="what is kept of study 's'"):
        Experience.from_json(stored)
