"""Local search: it climbs, starts again, and goes on where a late result says so."""

from __future__ import annotations

from results.trial_result import Status, TrialResult
from search.samplers.local_search import STARTS, LocalSearchSampler
from space.search_space import Decision, Decisions, SearchSpace

LADDER = SearchSpace("ladder", tuple(Decision(f"d{i}", (0, 1, 2)) for i in range(6)))
NEIGHBOURS = 12


def height(decisions: Decisions) -> float:
    """Rises with every option, so that the only peak is (2, 2, 2, 2, 2, 2)."""
    return float(sum(value for value in decisions.values() if isinstance(value, int))) / 12


def differences(one: Decisions, other: Decisions) -> int:
    return sum(one[name] != other[name] for name in one)


def first_new(sampler: LocalSearchSampler, number: int, known: list[Decisions]) -> Decisions:
    """What the loop would take."""
    return next(decisions for decisions in sampler.propose(number) if decisions not in known)


def told(number: int, decisions: Decisions, *values: float) -> TrialResult:
    return TrialResult(number=number, status=Status.OK, decisions=decisions, values=values)


def run(sampler: LocalSearchSampler, trials: int) -> list[Decisions]:
    known: list[Decisions] = []
    for number in range(trials):
        known.append(first_new(sampler, number, known))
        sampler.begin(number, known[-1])
        sampler.tell(told(number, known[-1], height(known[-1])))
    return known


def test_after_its_starts_it_measures_neighbours_of_the_best_so_far() -> None:
    known = run(LocalSearchSampler(LADDER, 1), 30)
    for number in range(STARTS, 30):
        top = max(map(height, known[:number]))
        near = [past for past in known[:number] if height(past) == top]
        assert any(differences(past, known[number]) == 1 for past in near)
        if top == 1.0:
            break
    else:
        raise AssertionError("the only peak was not reached")


def test_when_no_neighbour_is_left_it_starts_again() -> None:
    known = run(LocalSearchSampler(LADDER, 1), 60)
    peak = next(number for number, decisions in enumerate(known) if height(decisions) == 1.0)
    tried_before = sum(differences(known[peak], past) == 1 for past in known[:peak])
    end = peak + 1 + NEIGHBOURS - tried_before
    assert all(differences(known[peak], decisions) == 1 for decisions in known[peak + 1 : end])
    assert all(differences(known[peak], decisions) > 1 for decisions in known[end : end + STARTS])


def test_neighbours_that_cannot_be_used_are_not_proposed_again() -> None:
    sampler = LocalSearchSampler(LADDER, 3)
    known = run(sampler, STARTS)
    stream = [decisions for decisions, _ in zip(sampler.propose(STARTS), range(NEIGHBOURS), strict=False)]
    sampler.begin(STARTS, stream[3])  # the loop passed over the first three
    sampler.tell(told(STARTS, stream[3], -1.0))
    assert first_new(sampler, STARTS + 1, [*known, stream[3]]) == stream[4]


def test_a_late_result_takes_its_climb_up_again() -> None:
    sampler = LocalSearchSampler(LADDER, 5)
    known = run(sampler, STARTS)
    top = max(map(height, known))
    neighbours: list[Decisions] = []
    while True:
        number = len(known)
        decisions = first_new(sampler, number, known)
        known.append(decisions)
        sampler.begin(number, decisions)
        if all(differences(past, decisions) > 1 for past in known[:STARTS] if height(past) == top):
            break  # all neighbours are under measurement: another climb has started
        neighbours.append(decisions)
    for offset, decisions in enumerate(neighbours):
        sampler.tell(told(STARTS + offset, decisions, 2.0 if decisions is neighbours[-1] else -1.0))
    assert differences(first_new(sampler, len(known), known), neighbours[-1]) == 1


def test_a_network_measured_again_can_lose_its_place() -> None:
    sampler = LocalSearchSampler(LADDER, 2)
    known = run(sampler, STARTS)
    ranked = sorted(known, key=height, reverse=True)
    for number, decisions in enumerate(known):
        if height(decisions) == height(ranked[0]):  # all that share the first place
            sampler.begin(STARTS + number, decisions)
            sampler.tell(told(STARTS + number, decisions, -1.0))
    best = max(height(d) for d in known if height(d) < height(ranked[0]))
    near = [decisions for decisions in known if height(decisions) == best]
    chosen = first_new(sampler, 2 * STARTS, known)
    assert any(differences(decisions, chosen) == 1 for decisions in near)


def test_of_several_objectives_the_neighbours_of_the_whole_front_are_measured() -> None:
    sampler = LocalSearchSampler(LADDER, 4)
    known: list[Decisions] = []
    for number in range(80):
        known.append(first_new(sampler, number, known))
        sampler.begin(number, known[-1])
        a, b = halves(known[-1])
        sampler.tell(told(number, known[-1], a + 0.1 * b, b - a))
    assert {halves(decisions) for decisions in known} >= {(6, 6), (0, 6)}, "the ends of the front"


def halves(decisions: Decisions) -> tuple[int, int]:
    """The sums of the first three options and of the last three."""
    options = [int(value) for value in decisions.values()]
    return sum(options[:3]), sum(options[3:])
