"""Correlation of the input Jacobians of different images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluators.init_scores.score import Batch, InitScore

if TYPE_CHECKING:
    from evaluators.network import Network

_K = 1e-5


def jacob_cov(network: Network, batches: Sequence[Batch]) -> float:
    """−Σ (log(σ+k) + 1/(σ+k)) over the eigenvalues σ of the Jacobians' correlation matrix, k = 10⁻⁵."""
    import torch

    x = batches[0].x.clone().requires_grad_()
    network(x).sum().backward()
    assert x.grad is not None
    rows = x.grad.flatten(1).double().cpu()
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T).clamp_min(0)
    return -float((torch.log(eigenvalues + _K) + 1 / (eigenvalues + _K)).sum())


JACOB_COV = InitScore(
    "jacob_cov",
    "how little the input Jacobians of different images correlate",
    "Mellor et al. 2020, v1, §3",
    jacob_cov,
)
