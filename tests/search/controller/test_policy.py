"""The recurrent policy: legal sequences, gradients against finite differences, learning a known answer."""

from __future__ import annotations

import random

import numpy as np
import pytest

from search.controller.policy import Encoding, Policy
from space.search_space import Decision, SearchSpace
from space.spaces import space

CONDITIONAL = SearchSpace(
    "conditional",
    (
        Decision("depth", (0, 1, 2)),
        Decision("kind", ("a", "b"), "depth", (1, 2)),
        Decision("a.size", (3, 5, 7), "kind", ("a",)),
        Decision("b.flag", (False, True), "kind", ("b",)),
    ),
)


@pytest.mark.parametrize("searched", [CONDITIONAL, space("mixed", resolution=16)], ids=lambda s: s.name)
def test_sequences_are_legal_and_rows_round_trip(searched: SearchSpace) -> None:
    encoding = Encoding(searched)
    policy = Policy(encoding, 0)
    rows = policy.sample(40, np.random.default_rng(0), np.full(40, 2.0))
    for row in rows:
        assignment = encoding.assignment(row)
        assert searched.validate(assignment) == assignment
        assert (encoding.row(assignment) == row).all()


def test_probabilities_of_all_sequences_sum_to_one() -> None:
    encoding = Encoding(CONDITIONAL)
    policy = Policy(encoding, 3)
    rows = np.array([encoding.row(a) for a in CONDITIONAL.enumerate()])
    assert len(rows) == CONDITIONAL.size == 1 + 2 * (3 + 2)
    assert np.exp(policy.log_probabilities(rows)).sum() == pytest.approx(1.0)


def test_completing_keeps_what_is_given() -> None:
    encoding = Encoding(CONDITIONAL)
    policy, rng = Policy(encoding, 0), np.random.default_rng(1)
    rows = policy.sample(50, rng)
    assert (policy.complete(rows, rng) == rows).all()
    kept = rows.copy()
    kept[:, 2:] = -1
    assert (policy.complete(kept, rng)[:, :2] == rows[:, :2]).all()
    kept = rows.copy()
    kept[:, 0] = -1
    for row in policy.complete(kept, rng, temperature=5.0):
        CONDITIONAL.validate(encoding.assignment(row))


@pytest.mark.parametrize("name", ["options", "decisions", "lstm", "lstm_bias", "output", "output_bias"])
def test_gradient_equals_finite_differences(name: str) -> None:
    encoding = Encoding(CONDITIONAL)
    policy, rng = Policy(encoding, 5, hidden=6), np.random.default_rng(2)
    rows, advantages = policy.sample(12, rng), rng.normal(size=12)

    def objective() -> float:
        total, steps, _ = policy._forward(rows, keep=True)
        entropy = -sum(float((s.probabilities * np.log(s.probabilities)).sum()) for s in steps)
        return float(advantages @ total) + 0.3 * entropy

    _, steps, _ = policy._forward(rows, keep=True)
    gradient = policy._backward(steps, advantages, 0.3)[name]
    weight = policy.weights[name]
    for flat in np.argsort(-np.abs(gradient).ravel())[:4]:
        at = np.unravel_index(flat, weight.shape)
        kept = weight[at]
        weight[at] = kept + 1e-5
        above = objective()
        weight[at] = kept - 1e-5
        below = objective()
        weight[at] = kept
        assert (above - below) / 2e-5 == pytest.approx(gradient[at], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("algorithm", ["reinforce", "ppo"])
def test_the_gradient_alone_finds_the_rewarded_sequence(algorithm: str) -> None:
    encoding = Encoding(CONDITIONAL)
    policy, rng = Policy(encoding, 0), np.random.default_rng(0)
    wanted = encoding.row({"depth": 2, "kind": "a", "a.size": 7})
    for _ in range(150):
        rows = policy.sample(16, rng)
        rewards = (rows == wanted).mean(axis=1)
        if algorithm == "ppo":
            old = policy.log_probabilities(rows)
            for _ in range(3):
                policy.update(rows, rewards - rewards.mean(), 0.001, old)
        else:
            policy.update(rows, rewards - rewards.mean(), 0.001)
    assert float(np.exp(policy.log_probabilities(wanted[None]))[0]) > 0.9


def test_a_ratio_beyond_the_clip_gives_no_gradient() -> None:
    encoding = Encoding(CONDITIONAL)
    policy = Policy(encoding, 0)
    rows = policy.sample(4, np.random.default_rng(0))
    before = {name: weight.copy() for name, weight in policy.weights.items()}
    policy.update(rows, np.ones(4), 0.0, policy.log_probabilities(rows) - 1.0)
    assert all((policy.weights[name] == before[name]).all() for name in before)


def test_one_hot_marks_exactly_the_chosen_options() -> None:
    encoding = Encoding(CONDITIONAL)
    rng = random.Random(0)
    rows = np.array([encoding.row(CONDITIONAL.sample(rng)) for _ in range(20)])
    hot = encoding.one_hot(rows)
    assert (hot.sum(axis=1) == (rows >= 0).sum(axis=1)).all()
    assert set(np.unique(hot)) <= {0.0, 1.0}
