"""The star's networks, and the search that trains them."""

from __future__ import annotations

import numpy as np
import pytest

from search.scaling.candidate_space import SEED, label_of
from search.scaling.candidates import REFERENCES
from search.scaling.loss_fit import fit_loss
from search.scaling.loss_measurements import loss_rows, measured_losses
from search.scaling.star import STEPS, star_candidates
from search.scaling.star_sampler import StarSampler
from space.cost import costs
from space.scaling import smallest_resolution
from tests.search.scaling.made_up import BASE, SEEDS, search


def test_each_arm_makes_one_dimension_smaller_step_by_step() -> None:
    candidates = star_candidates(BASE)
    assert candidates[0].architecture == BASE and candidates[1].label == "centre"
    centre = np.array(candidates[1].multipliers)
    assert candidates[1].macs == pytest.approx(4 * candidates[0].macs, rel=0.35)
    for place, dimension in enumerate(("depth", "width", "resolution")):
        arm = [c for c in candidates if c.label.startswith(f"{dimension} down")]
        assert 3 <= len(arm) <= STEPS
        sizes = [c.multipliers[place] for c in arm]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] < centre[place]
        for candidate in arm:
            others = np.delete(np.array(candidate.multipliers) - centre, place)
            assert np.abs(others).max() < 0.02
            assert candidate.kind == "star" and candidate.macs == costs(candidate.architecture).macs
    singles = {c.kind for c in candidates if c.competes}
    assert singles == {"depth", "width", "resolution", "compound"} and "star" in REFERENCES
    assert len({c.architecture.key for c in candidates}) == len(candidates)


def test_no_arm_goes_below_what_the_strides_allow() -> None:
    tiny = BASE.replace(resolution=8)
    assert min(c.architecture.resolution for c in star_candidates(tiny, down=64.0)) == smallest_resolution(
        BASE
    )


@pytest.mark.slow
def test_the_star_comes_first_and_then_what_tells_the_most_per_second() -> None:
    candidates = star_candidates(BASE)
    labels = [c.label for c in candidates]

    def sampler(narrow: float = 0.0) -> StarSampler:
        return StarSampler(candidates, labels, SEEDS, epochs=1, narrow=narrow)

    first = sampler()
    results, evaluator = search(candidates, first, len(labels) + 2, noise=0.3)
    assert [label_of(r.decisions) for r in results[: len(labels)]] == labels
    assert {r.decisions[SEED] for r in results[: len(labels)]} == {SEEDS[0]}
    assert len(set(evaluator.trained)) == len(labels) + 2 == len(evaluator.trained)
    again, _ = search(candidates, sampler(), len(labels) + 2, noise=0.3)
    assert [r.decisions for r in again] == [r.decisions for r in results]
    points = measured_losses(results, candidates, 1)
    assert len(points) == len(results) and set(points.seed) == set(SEEDS)
    rows = list(loss_rows(results, candidates, 1))
    assert [row["macs"] for row in rows[: len(labels)]] == [c.macs for c in candidates]
    assert fit_loss(points, draws=240).trainings == len(results)
    satisfied = sampler(narrow=99.0)
    ended, _ = search(candidates, satisfied, 99)
    assert len(ended) == len(labels) and "interval" in satisfied.stopped
