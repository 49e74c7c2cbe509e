"""α, β, γ by grid, law and star for the same seconds of training, on the same network and images.

    python -m bench.scaling_methods --data npz:cifar10-10k.npz --seconds 600 --piece 150
    python -m bench.scaling_methods --data npz:cifar10-10k.npz --seconds 600 --piece 150 --check 4

Each method is a study of its own with the seeds 0 to 2 (the check has others), trained for ``--seconds`` in all; a call trains for at most ``--piece`` seconds and a later one goes on, until all have had
their share. Then the table compares the intervals. ``--check`` trains the star's networks for that many times the seconds, in a study of its own, and says
which intervals hold what it finds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Sequence

from nascale.cli import run
from nascale.scaling_spec import METHODS, ScalingSpec
from results.studies import load
from results.trial_result import TrialResult
from search.scaling.candidates import ScalingCandidate
from search.scaling.loss_fit import fit_loss
from search.scaling.loss_measurements import measured_losses
from search.scaling.measurements import fit_measured, measured
from space.errors import InputError

GREEK = "αβγ"
SEEDS, CHECK_SEEDS = "0,1,2", "10..19"
CHECK = "check"
Intervals = Sequence[tuple[float, float] | None]


def study_of(name: str, storage: str) -> tuple[list[TrialResult], ScalingSpec | None]:
    """The trials of a study, and its spec; none where there is no such study."""
    try:
        study = load(f"scaling-methods-{name}", storage)
    except InputError:
        return [], None
    return list(study.trials), ScalingSpec.stored(study.spec)


def seconds_of(trials: Sequence[TrialResult]) -> float:
    return sum(trial.seconds or 0.0 for trial in trials)


def train(name: str, method: str, asked: argparse.Namespace, seconds: float) -> None:
    """Trains a method's study for at most ``seconds``."""
    line = [
        *(
            "scale",
            "search",
            asked.arch,
            "--data",
            asked.data,
            "--method",
            method,
            "--workers",
            "0",
            "--flip",
        ),
        *(
            "--seeds",
            CHECK_SEEDS if name == CHECK else SEEDS,
            "--most",
            "40",
            "--narrow=-1",
            "--epochs",
            str(asked.epochs),
        ),
        *("--fraction", str(asked.fraction), "--study", f"scaling-methods-{name}"),
        *("--storage", asked.storage, "--max-seconds", f"{seconds:.0f}", "--quiet", "--format", "json"),
    ]
    # No interval is narrow enough to end a method before its seconds are spent. What the command prints is made again for the table.
    with contextlib.redirect_stdout(io.StringIO()):
        run(line)


def candidates_of(spec: ScalingSpec) -> tuple[ScalingCandidate, ...]:
    from nascale.scaling_run import prepare_scaling

    return prepare_scaling(spec).candidates


def told(name: str, trials: Sequence[TrialResult], values: Sequence[float | None], pairs: Intervals) -> None:
    """A line of the table."""
    cells = [
        "–" if value is None or pair is None else f"{value:.2f} ({pair[0]:.2f}–{pair[1]:.2f})"
        for value, pair in zip(values, pairs, strict=True)
    ]
    width = sum(pair[1] - pair[0] for pair in pairs if pair)
    done = sum(trial.trained_here for trial in trials)
    print(f"| {name} | {done} | {seconds_of(trials):.0f} | {' | '.join(cells)} | {width:.2f} |", flush=True)


def table(asked: argparse.Namespace, names: Sequence[str]) -> None:
    """What each study says of α, β, γ: by its law of accuracies, and by the loss law."""
    print(f"| method | trainings | seconds | {' | '.join(GREEK)} | widths together |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        trials, spec = study_of(name, asked.storage)
        if spec is None:
            continue
        candidates = candidates_of(spec)
        if spec.method != "star":
            try:
                law = fit_measured(measured(trials), candidates, spec.growth)
                told(f"{name}, accuracies", trials, law.coefficients, law.intervals)
            except InputError as error:
                print(f"| {name}, accuracies: {error} |")
        try:
            loss = fit_loss(measured_losses(trials, candidates, spec.recipe.epochs), growth=spec.growth)
            last = loss.budgets[-1]
            told(f"{name}, losses", trials, last.coefficients, last.intervals)
            print(f"(one training deviates by {loss.noise.single:.4f} nats, a seed by {loss.noise.seed:.4f})")
        except InputError as error:
            print(f"| {name}, losses: {error} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", default="examples/small_mbconv.json")
    parser.add_argument("--data", default="npz:cifar10-10k.npz")
    parser.add_argument("--storage", default="sqlite:///scaling-methods.db")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=600.0, help="of training for each method")
    parser.add_argument("--piece", type=float, default=150.0, help="seconds of this call")
    parser.add_argument("--check", type=float, help="times the seconds, for the star once more")
    parser.add_argument("--only", help="train this one of grid, law, star and check, and print no table")
    asked = parser.parse_args()
    wanted = [(CHECK, "star", asked.check * asked.seconds)] if asked.check else []
    left = asked.piece
    for name, method, seconds in [*((one, one, asked.seconds) for one in METHODS), *wanted]:
        missing = min(left, seconds - seconds_of(study_of(name, asked.storage)[0]))
        if missing >= 1 and asked.only in (None, name):
            train(name, method, asked, missing)
            left -= missing
    if left >= 1 and asked.only is None:
        table(asked, [*METHODS, *(name for name, _, _ in wanted)])


if __name__ == "__main__":
    main()
