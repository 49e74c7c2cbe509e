"""Scores at initialisation against their closed forms on networks small enough to work out."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from evaluators.evaluator import Candidate
from evaluators.images.image_set import ImageSet
from evaluators.init_scores.evaluator import InitScoreEvaluator
from evaluators.init_scores.formulas.grad_norm import grad_norm
from evaluators.init_scores.formulas.grasp import grasp
from evaluators.init_scores.formulas.naswot import naswot
from evaluators.init_scores.formulas.snip import snip
from evaluators.init_scores.formulas.synflow import synflow
from evaluators.init_scores.score import Batch
from evaluators.init_scores.scores import BASELINES, INIT_SCORES
from evaluators.network import build
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool
from space.cost import costs
from space.errors import InputError, UnknownNameError

NET = Architecture((Conv(4),), (Stage((Conv(8, stride=2), Conv(8))),), (GlobalPool(), Dense()), 8, 10, 1)
LINEAR = Architecture((Conv(3, 1, norm=False, activation=None),), (), (GlobalPool(), Dense()), 4, 10, 1)


def candidate(architecture: Architecture = NET, seed: int = 0) -> Candidate:
    return Candidate(0, {}, architecture.key, architecture, seed)


def batch(n: int = 8) -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    return [Batch(torch.randn(n, 1, 8, 8, generator=generator), torch.arange(n) % 10)]


@pytest.mark.parametrize("score", [*INIT_SCORES, *BASELINES])
def test_every_score_is_finite_and_the_same_for_the_same_seed(digits: ImageSet, score: str) -> None:
    evaluator = InitScoreEvaluator(digits, score, batch_size=16, device="cpu")
    first, again = (evaluator.measure(candidate())[0].extra["score"] for _ in range(2))
    assert math.isfinite(first) and first == again
    other = evaluator.measure(candidate(seed=1))[0].extra["score"]
    assert (other == first) == (score in BASELINES)


def test_the_baselines_are_the_cost_model_s(digits: ImageSet) -> None:
    for score in BASELINES:
        assert InitScoreEvaluator(digits, score).value(NET, 0) == getattr(costs(NET), score)


def test_repeats_average_over_seeds(digits: ImageSet) -> None:
    one = [InitScoreEvaluator(digits, "snip", 16, device="cpu").value(NET, seed) for seed in (5, 6)]
    assert InitScoreEvaluator(digits, "snip", 16, repeats=2, device="cpu").value(NET, 5) == pytest.approx(
        sum(one) / 2
    )


def test_synflow_of_a_linear_chain_is_layers_times_the_sum_over_paths() -> None:
    network = build(LINEAR, seed=3)
    first = network.get_parameter("stem.0.conv.weight").detach().abs().flatten().double()
    last = network.get_parameter("head.1.linear.weight").detach().abs().double()
    paths = float((last @ first).sum())  # inputs of one, mean over pixels is one
    x = torch.zeros(1, 1, 4, 4)
    assert synflow(network, [Batch(x, torch.zeros(1, dtype=torch.long))]) == pytest.approx(
        math.log(2 * paths)
    )


def test_naswot_counts_agreements_of_rectifiers() -> None:
    network = build(NET, seed=1).train()
    x = batch(5)[0].x
    codes = []
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_pre_hook(lambda m, i: codes.append((i[0] > 0).flatten(1)))
    score = naswot(network, [Batch(x, torch.zeros(5, dtype=torch.long))])
    joined = torch.cat(codes, 1)
    kernel = torch.tensor([[float((a == b).sum()) for b in joined] for a in joined], dtype=torch.float64)
    assert score == pytest.approx(float(torch.linalg.slogdet(kernel)[1]))


def test_naswot_falls_when_images_repeat() -> None:
    x = batch(6)[0].x
    twins = torch.cat([x[:3], x[:3] + 1e-3])
    y = torch.zeros(6, dtype=torch.long)
    assert naswot(build(NET, seed=1).train(), [Batch(twins, y)]) < naswot(
        build(NET, seed=1).train(), [Batch(x, y)]
    )


def test_gradient_scores_are_what_autograd_says() -> None:
    network = build(NET, seed=2).train()
    (b,) = batch()
    weights = [m.weight for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    loss = F.cross_entropy(network(b.x), b.y)
    gradients = torch.autograd.grad(loss, weights)
    assert grad_norm(build(NET, seed=2).train(), [b]) == pytest.approx(
        sum(float(g.norm()) for g in gradients), rel=1e-4
    )
    expected = sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True))
    assert snip(build(NET, seed=2).train(), [b]) == pytest.approx(expected, rel=1e-4)


def test_grasp_is_a_finite_difference_of_gradient_flow() -> None:
    """θ · H g is how ½ |g|² changes along θ."""

    def half_flow(scale: float) -> float:
        network = build(NET, seed=2).double().train()
        weights = [m.weight for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
        with torch.no_grad():
            for w in weights:
                w.mul_(scale)
        loss = F.cross_entropy(network(b.x.double()), b.y)
        return 0.5 * sum(float(g.pow(2).sum()) for g in torch.autograd.grad(loss, weights))

    (b,) = batch()
    step = 1e-5
    slope = (half_flow(1 + step) - half_flow(1 - step)) / (2 * step)
    score = grasp(build(NET, seed=2).double().train(), [Batch(b.x.double(), b.y)])
    assert score == pytest.approx(-slope, rel=1e-4)


def test_bad_settings_are_refused(digits: ImageSet) -> None:
    with pytest.raises(UnknownNameError, match="synflow"):
        InitScoreEvaluator(digits, "synflw")
    with pytest.raises(InputError, match="batch_size"):
        InitScoreEvaluator(digits, "snip", batch_size=10**6)
    with pytest.raises(InputError, match="repeats"):
        InitScoreEvaluator(digits, "snip", repeats=0)
