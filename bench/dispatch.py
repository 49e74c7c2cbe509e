"""Trials per second with an evaluator that does nothing: the pool, a bare script, and Ray Tune.

    python -m bench.dispatch [--trials 100] [--repeats 21] [--tune 6]

All three use two Ray actors of one Ray. Pool and script run Optuna's ask and tell in memory, in turns. Medians, and
the median of the turns' ratios, are printed as JSON. The bare script is the shortest that works: one actor call per
trial. Ray Tune (``pip install 'ray[tune]'``) runs a no-op trainable under its own searcher, with fresh actors and
with reused ones; a line says so if it is not installed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import optuna
import ray

from bench import advice
from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.pools.opening import open_pool
from evaluators.pools.protocol import PoolSettings


@dataclass(frozen=True)
class NoOp(Evaluator):
    """One measurement, at once."""

    def describe(self) -> dict[str, Any]:
        return {"evaluator": "no-op"}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        yield Measurement(1, candidate.decisions["x"], None, 0.0)


def _study() -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")


class PoolRunner:
    """Ask, submit, poll, tell, through ``evaluators.pools``."""

    def __init__(self) -> None:
        self.study = _study()
        self.pool = open_pool(NoOp(), PoolSettings(workers=2))

    def run(self, trials: int) -> float:
        """Trials per second over ``trials`` trials."""
        started = time.perf_counter()
        asked = told = 0
        running: dict[int, Any] = {}
        values: dict[int, float] = {}
        while told < trials:
            while asked < trials and self.pool.free:
                trial = self.study.ask()
                x = trial.suggest_float("x", 0, 1)
                running[trial.number] = trial
                self.pool.submit(Candidate(trial.number, {"x": x}, str(trial.number), None, 0))
                asked += 1
            for event in self.pool.poll(1.0):
                if event.measurement is not None:
                    values[event.number] = event.measurement.accuracy
                elif event.done:
                    self.study.tell(running.pop(event.number), values.pop(event.number))
                    told += 1
        return trials / (time.perf_counter() - started)

    def close(self) -> None:
        self.pool.close()


@ray.remote(num_cpus=1)
class _Bare:
    def evaluate(self, x: float) -> float:
        return x


class ScriptRunner:
    """The bare script: ask, one actor call, wait, tell."""

    def __init__(self) -> None:
        self.study = _study()
        self.actors = [_Bare.remote() for _ in range(2)]  # type: ignore[attr-defined]
        ray.get([actor.evaluate.remote(0.0) for actor in self.actors])

    def run(self, trials: int) -> float:
        """Trials per second over ``trials`` trials."""
        started = time.perf_counter()
        asked = told = 0
        idle = list(self.actors)
        busy: dict[Any, Any] = {}
        while told < trials:
            while idle and asked < trials:
                trial, actor = self.study.ask(), idle.pop()
                busy[actor.evaluate.remote(trial.suggest_float("x", 0, 1))] = (trial, actor)
                asked += 1
            (ref,), _ = ray.wait(list(busy))
            trial, actor = busy.pop(ref)
            self.study.tell(trial, ray.get(ref))
            idle.append(actor)
            told += 1
        return trials / (time.perf_counter() - started)

    def close(self) -> None:
        for actor in self.actors:
            ray.kill(actor)


def alternating(trials: int, repeats: int) -> dict[str, list[float]]:
    """Rates of pool and script in turns, so that whatever else the machine does falls on both."""
    runners: dict[str, PoolRunner | ScriptRunner] = {"pool": PoolRunner(), "script": ScriptRunner()}
    for runner in runners.values():
        runner.run(50)
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(repeats):
        for name, runner in runners.items():
            rates[name].append(runner.run(trials))
    for runner in runners.values():
        runner.close()
    return rates


def tune(trials: int, reuse: bool) -> float:
    """Trials per second of Ray Tune with a no-op trainable."""
    from ray import tune as ray_tune

    class Trainable(ray_tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.x = config["x"]

        def step(self) -> dict[str, Any]:
            return {"accuracy": self.x, "done": True}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.x = new_config["x"]
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            return None

    with tempfile.TemporaryDirectory() as folder:
        tuner = ray_tune.Tuner(
            ray_tune.with_resources(Trainable, {"cpu": 1}),
            param_space={"x": ray_tune.uniform(0, 1)},
            tune_config=ray_tune.TuneConfig(num_samples=trials, reuse_actors=reuse, max_concurrent_trials=2),
            run_config=ray_tune.RunConfig(storage_path=folder, verbose=0),
        )
        started = time.perf_counter()
        tuner.fit()
        return trials / (time.perf_counter() - started)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--trials", type=int, default=100, help="trials of one turn")
    options.add_argument("--repeats", type=int, default=21, help="turns of pool and script each")
    options.add_argument("--tune", type=int, default=6, help="trials of the Ray Tune run; 0 leaves it out")
    arguments = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    ray.init("local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    rates = alternating(arguments.trials, arguments.repeats)
    paired = [a / b for a, b in zip(rates["pool"], rates["script"], strict=True)]
    if arguments.tune:
        try:
            rates["tune"] = [tune(arguments.tune, reuse=False)]
            rates["tune_reused"] = [tune(arguments.tune * 4, reuse=True)]
        except ImportError as error:
            print(f"Ray Tune is left out ({error}): {advice()}")
    ray.shutdown()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    report = {
        "trials_per_second": {name: round(value, 2) for name, value in medians.items()},
        "pool_over_tune": {n: round(medians["pool"] / v) for n, v in medians.items() if "tune" in n},
        "pool_over_script": round(statistics.median(paired), 2),
        "pool_over_script_quartiles": [round(q, 2) for q in statistics.quantiles(paired, n=4)],
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
