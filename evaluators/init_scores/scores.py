"""The scores at initialisation by name, and what they have to beat. Imports no torch."""

from __future__ import annotations

from evaluators.init_scores import formulas
from evaluators.init_scores.score import InitScore
from evaluators.registry import entries

INIT_SCORES: dict[str, InitScore] = entries(formulas, InitScore, lambda one: one.name)
BASELINES = ("macs", "params")
"""Costs that rank networks for free."""
