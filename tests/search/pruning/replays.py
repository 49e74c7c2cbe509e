"""Made-up learning curves, and replays of rules on them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evaluators.evaluator import FidelitySchedule
from search.pruning.protocol import Rule
from search.pruning.registry import make_rule

Curves = list[list[float]]
RULES = ("halving", "hyperband", "median")


def made(name: str, epochs: int) -> Rule:
    """The rule called ``name`` for trainings of so many epochs."""
    found = make_rule(name, FidelitySchedule(epochs))
    assert found is not None
    return found


def curves(seed: int, count: int = 40, epochs: int = 9) -> Curves:
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        level, speed = rng.random(), rng.uniform(0.2, 1)
        made.append([level * (1 - (1 - speed) ** e) + rng.gauss(0, 0.03) for e in range(1, epochs + 1)])
    return made


def run(chosen: Rule, given: Curves) -> list[int]:
    """Trains one curve after the other; gives the epochs that each was trained for."""
    lengths = []
    for number, values in enumerate(given):
        chosen.begin(number, number)
        length = len(values)
        for epoch, value in enumerate(values, start=1):
            chosen.report(number, epoch, value)
            if stops := chosen.stops():
                assert stops == [(number, epoch)]
                length = epoch
                break
        assert not chosen.waits(number)
        chosen.end(number, list(enumerate(values[:length], start=1)), length == len(values))
        lengths.append(length)
    return lengths


def run_together(chosen: Rule, given: Curves, slots: int, seed: int) -> list[int]:
    """The same with several at once, whose epochs come in any order; some workers die and begin again."""
    rng = random.Random(seed)
    lengths = [0] * len(given)
    running: dict[int, int] = {}
    held: set[int] = set()
    waiting = list(range(len(given)))

    def end(number: int, length: int) -> None:
        lengths[number] = length
        whole = length == len(given[number])
        chosen.end(number, list(enumerate(given[number][:length], start=1)), whole)

    while waiting or running or held:
        while waiting and len(running) < slots:
            number = waiting.pop(0)
            chosen.begin(number, 0)
            running[number] = 0
        number = rng.choice(list(running))
        running[number] += 1
        chosen.report(number, running[number], given[number][running[number] - 1])
        if running[number] == len(given[number]):
            del running[number]
            held.add(number)
        elif rng.random() < 0.05:
            running[number] = 0
        while True:
            lost = chosen.stops()
            over = [n for n in held if not chosen.waits(n) and n not in dict(lost)]
            for number, step in lost:
                running.pop(number, None)
                held.discard(number)
                end(number, step)
            for number in over:
                held.discard(number)
                end(number, len(given[number]))
            if not lost and not over:
                break
    return lengths


def by_definition(given: Curves, rungs: Sequence[int], reduction: float) -> list[int]:
    at: dict[int, list[float]] = {rung: [] for rung in rungs}
    gone_on = dict.fromkeys(rungs, 0)
    lengths = []
    for values in given:
        length = len(values)
        for rung in rungs:
            best = max(values[:rung])
            rank = sorted([*at[rung], best], reverse=True).index(best)
            keep = (len(at[rung]) + 1) // reduction
            at[rung].append(best)
            if rank > 0 and (rank >= keep or gone_on[rung] >= keep):
                length = rung
                break
            gone_on[rung] += 1
        lengths.append(length)
    return lengths
