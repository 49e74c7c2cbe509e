"""Finds an architecture by its parameters; the objective stands for a training."""

from __future__ import annotations

from pathlib import Path

import optuna

import optunahub

SPACE = {
    "operation": optuna.distributions.CategoricalDistribution(["skip", "conv", "depthwise"]),
    "kernel": optuna.distributions.CategoricalDistribution([3, 5, 7]),
    "width": optuna.distributions.IntDistribution(16, 64, step=8),
    "depth": optuna.distributions.IntDistribution(1, 6),
}
CONDITIONS = {"kernel": ("operation", ["conv", "depthwise"])}


def objective(trial: optuna.Trial) -> float:
    width = trial.suggest_int("width", 16, 64, step=8)
    depth = trial.suggest_int("depth", 1, 6)
    operation = trial.suggest_categorical("operation", ["skip", "conv", "depthwise"])
    kernel = 0 if operation == "skip" else trial.suggest_categorical("kernel", [3, 5, 7])
    return 1 - 1 / (width * depth) - abs(kernel - 5) / 10 - 0.02 * (operation != "depthwise")


def affordable(architecture: dict[str, int]) -> bool:
    """A budget: what is refused costs no trial."""
    return architecture["width"] * architecture["depth"] <= 160


registry = (
    Path(__file__).resolve().parents[2]
)  # or, once it is there: optunahub.load_module("samplers/nas_controller")
module = optunahub.load_local_module("samplers/nas_controller", registry_root=str(registry))
sampler = module.NASControllerSampler(SPACE, conditions=CONDITIONS, accept=affordable, seed=0)
study = optuna.create_study(direction="maximize", sampler=sampler)
study.optimize(objective, n_trials=40)
print(study.best_value, study.best_params)
