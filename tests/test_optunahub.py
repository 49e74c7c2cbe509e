"""The controller as a package of OptunaHub: in the registry's form, and a sampler of any study."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

REGISTRY = Path(__file__).resolve().parents[1] / "optunahub" / "package"
PACKAGE = REGISTRY / "samplers" / "nas_controller"
SPACE = {
    "op": CategoricalDistribution(["skip", "conv", None]),
    "kernel": IntDistribution(3, 7, step=2),
    "rate": FloatDistribution(0.0, 0.5, step=0.25),
    "deep": CategoricalDistribution([True, False]),
}
CONDITIONS = {"kernel": ("op", ["conv", None]), "rate": ("kernel", [5, 7])}
SIZE = 2 * (1 + 2 * (1 + 2 * 3))


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The package, loaded as optunahub does."""
    spec = importlib.util.spec_from_file_location("nas_controller", PACKAGE / "__init__.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["nas_controller"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def objective(trial: optuna.Trial) -> float:
    op = trial.suggest_categorical("op", ["skip", "conv", None])
    value = 0.2 * trial.suggest_categorical("deep", [True, False])
    if op != "skip":
        kernel = trial.suggest_int("kernel", 3, 7, step=2)
        value += kernel / 7
        if kernel > 3:
            value += trial.suggest_float("rate", 0.0, 0.5, step=0.25) + (op is None)
    return value


def parameters(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def test_it_suggests_each_architecture_once_and_finds_the_best(module: ModuleType) -> None:
    study = optuna.create_study(
        direction="maximize",
        sampler=module.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=0),
    )
    study.optimize(objective, n_trials=SIZE)
    assert len({tuple(sorted(p.items(), key=repr)) for p in parameters(study)}) == SIZE
    assert study.best_params == {"op": None, "kernel": 7, "rate": 0.5, "deep": True}
    study.optimize(objective, n_trials=1)  # there is none left, so one comes again


def test_a_study_goes_on_as_it_would_have_without_a_stop(module: ModuleType) -> None:
    def run(*parts: int) -> list[dict[str, Any]]:
        study = optuna.create_study(direction="minimize")
        for count in parts:
            study.sampler = module.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=4)
            study.optimize(objective, n_trials=count)
        return parameters(study)

    assert run(14) == run(8, 6)


def test_less_is_better_where_the_direction_says_so(module: ModuleType) -> None:
    study = optuna.create_study(sampler=module.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=0))
    study.optimize(objective, n_trials=SIZE // 2)
    assert study.best_params == {"op": "skip", "deep": False}


def test_several_objectives_pruned_and_failed_trials(module: ModuleType) -> None:
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=module.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=0),
    )
    study.optimize(lambda t: (objective(t), float(t.params.get("kernel", 0))), n_trials=12)
    assert len(study.best_trials) >= 1

    def unreliable(trial: optuna.Trial) -> float:
        value = objective(trial)
        trial.report(value, 1)
        if trial.number % 3 == 1:
            raise optuna.TrialPruned
        if trial.number % 3 == 2:
            raise ValueError("out of memory")
        return value

    single = optuna.create_study(sampler=module.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=0))
    single.optimize(unreliable, n_trials=9, catch=(ValueError,))
    states = [trial.state.name for trial in single.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL"] * 3


def test_what_is_not_accepted_costs_no_trial(module: ModuleType) -> None:
    sampler = module.NASControllerSampler(
        SPACE, conditions=CONDITIONS, accept=lambda p: p.get("kernel", 3) < 5, seed=1
    )
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({"op": "conv", "kernel": 7, "rate": 0.25, "deep": True})
    study.optimize(objective, n_trials=6)
    assert study.trials[0].params["kernel"] == 7  # what a person enqueues is run
    assert all(p.get("kernel", 3) < 5 for p in parameters(study)[1:])
    nothing = module.NASControllerSampler(SPACE, accept=lambda p: False, seed=1)
    with pytest.raises(RuntimeError, match="accept: refused 1000 proposals"):
        objective(optuna.create_study(sampler=nothing).ask())


@pytest.mark.parametrize(
    ("space", "settings", "message"),
    [
        ({"x": FloatDistribution(0, 1)}, {}, "x: wanted a categorical parameter or one with a step"),
        (SPACE, {"conditions": {"op": ("depth", [1])}}, "'depth' is no parameter"),
        (SPACE, {"conditions": {"depth": ("op", ["conv"])}}, "'depth' is no parameter"),
        (SPACE, {"conditions": {"kernel": ("op", ["pool"])}}, "'pool' is none of 'skip', 'conv', None"),
        (SPACE, {"conditions": {"op": ("kernel", [3])}}, "must come before it"),
        (SPACE, {"algorithm": "a3c"}, "algorithm: wanted reinforce or ppo, got 'a3c'"),
    ],
)
def test_bad_input_is_refused(module: ModuleType, space: Any, settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module.NASControllerSampler(space, **settings)


def test_it_has_the_form_of_the_registry(module: ModuleType) -> None:
    """What the registry's template asks of a package of samplers."""
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    about = dict(line.split(": ", 1) for line in front.splitlines())
    assert list(about) == ["author", "title", "description", "tags", "optuna_versions", "license"]
    assert "sampler" in about["tags"].strip("[]").split(", ")
    assert optuna.__version__.split(".")[0] == about["optuna_versions"].strip("[]").split(".")[0]
    assert about["license"] == "MIT License" and (PACKAGE / "LICENSE").read_text().startswith("MIT License\n")
    for section in ("## Abstract", "## APIs", "## Installation", "## Example"):
        assert section in body
    assert module.__all__ == ["NASControllerSampler"]


def test_optunahub_loads_it() -> None:
    # The folder of this repository answers to "optunahub" too.
    pytest.importorskip("optunahub.hub", reason="optunahub is not installed")
    import optunahub

    loaded = optunahub.load_local_module("samplers/nas_controller", registry_root=str(REGISTRY))
    study = optuna.create_study(sampler=loaded.NASControllerSampler(SPACE, conditions=CONDITIONS, seed=0))
    study.optimize(objective, n_trials=3)
    assert len(study.trials) == 3
