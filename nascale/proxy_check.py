"""``nascale bench proxies``: from a spec with a table, or a study, to a comparison of proxies."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.data import load
from evaluators.evaluator import Evaluator, Report
from evaluators.images.image_set import ImageSet
from evaluators.proxies import evaluator, parts, split_list
from evaluators.proxy_comparison import ProxyComparison, compare
from evaluators.rank_correlation import noise_floor
from nascale.progress import epoch_lines
from nascale.score_file import ScoreFile
from results.trial_result import Status, TrialResult
from space.architecture import Architecture
from space.errors import InputError
from space.search_space import SearchSpace


@dataclass(frozen=True)
class ProxyCheck:
    """What the command was asked: see its options. ``proxies`` is the text that names them."""

    proxies: str
    architectures: int = 60
    data: str | None = None
    longer: float = 5.0
    seed: int = 0
    device: str = "auto"
    storage: str | None = None

    def names(self) -> list[str]:
        """The proxies, one by one. Raises InputError for none, or for too few networks."""
        names = split_list(self.proxies)
        if not names:
            raise InputError.of("--proxies", "at least one proxy", self.proxies)
        if self.architectures < 3:
            raise InputError.of("--architectures", "3 or more", self.architectures)
        return names


@dataclass(frozen=True)
class Subject:
    """A comparison, a line that says what is compared, what the truth is, and the checksum of the images."""

    comparison: ProxyComparison
    opening: str
    truth_is: str
    data: str


def subject(text: str, asked: ProxyCheck) -> Subject:
    """Reads ``text``, the path of a spec with a table or the name of a study. Raises InputError."""
    names = asked.names()
    if text.endswith(".toml") or Path(text).is_file():
        return _of_table(text, names, asked)
    return _of_study(text, names, asked)


def _of_table(path: str, names: list[str], asked: ProxyCheck) -> Subject:
    from evaluators.table_file import open_table
    from nascale.spec import read_spec

    spec = read_spec(path)
    if spec.table is None:
        raise InputError.of(path, "a spec with a [table] section", "none")
    table = open_table(spec.table)
    if table.space.build is None:
        raise InputError.of(path, "a table whose space has networks (table.space)", table.space.name)
    images = load(
        asked.data or spec.images.data, seed=spec.run.seed, max_image_bytes=spec.images.max_image_bytes
    )
    assignments = table.assignments()
    random.Random(asked.seed).shuffle(assignments)
    chosen: dict[str, tuple[Architecture, float, int]] = {}
    for decisions in assignments:
        network = table.space.decode(decisions)
        if network.key not in chosen:
            chosen[network.key] = (network, table.truth(decisions), table.index[table.position(decisions)])
        if len(chosen) == asked.architectures:
            break
    opening = f"{len(chosen)} networks of {table.space.name} with distinct keys; proxies on {images.name}"
    noise = noise_floor(table.accuracies[[row for _, _, row in chosen.values()]].T.tolist())
    if noise is not None:
        opening += f"; two runs of the truth agree at Spearman {noise.spearman:.3f}"
    comparison = ProxyComparison(
        Path(path).stem,
        tuple(network for network, _, _ in chosen.values()),
        tuple(names),
        _parts(names),
        _evaluators(_parts(names), images, table.space, asked.device, spec.recipe.epochs),
        tuple(truth for _, truth, _ in chosen.values()),
    )
    return Subject(comparison, opening, "the table", images.checksum)


def _parts(names: Sequence[str]) -> tuple[str, ...]:
    """Every proxy that the named ones are made of, once."""
    return tuple(dict.fromkeys(part for name in names for part in parts(name)))


def _evaluators(
    names: Sequence[str], images: ImageSet, space: SearchSpace, device: str, epochs: int
) -> tuple[Evaluator, ...]:
    return tuple(
        evaluator(name, images, space=space, device=device, epochs=epochs, threads=1) for name in names
    )


def _of_study(name: str, names: list[str], asked: ProxyCheck) -> Subject:
    from nascale.evaluation import study_space, train_evaluator
    from nascale.spaces import as_stored
    from nascale.spec import EPOCHS, SearchSpec
    from results.studies import load as load_study
    from space.codec import from_dict

    study = load_study(name, asked.storage, architectures=True)
    measured = _spread(name, study.trials, asked.architectures)
    spec = SearchSpec.stored(study.spec)
    if spec.evaluator == "table":
        raise InputError.of(
            f"study {name}", "a search that trained networks", f"one of {spec.table and spec.table.source}"
        )
    told = f"{spec.recipe.epochs} epochs"
    if spec.evaluator == "supernet":
        told = f"a supernet of {told}"
        spec = spec.replace(evaluator="train", epochs=EPOCHS["train"])
    spec = spec.replace(device=asked.device, **({"data": asked.data} if asked.data else {}))
    base = train_evaluator(spec, spec.resolution)
    space = as_stored(study_space(spec, base.images), study.space)
    epochs = max(spec.recipe.epochs + 1, round(spec.recipe.epochs * asked.longer))
    truth_name = f"train:epochs={epochs}"
    longest = spec.replace(epochs=epochs, fraction=1.0, train_resolution=None, train_width=1.0)
    full = train_evaluator(longest, spec.resolution)
    seconds = sorted(float(t.seconds or math.nan) for t in measured)
    cheap = [n for n in names if n != truth_name]
    cheap_parts = tuple(part for part in _parts(cheap) if part != truth_name)
    own = [_accuracy(t) for t in measured]
    comparison = ProxyComparison(
        name,
        tuple(from_dict(t.architecture) for t in measured if t.architecture is not None),
        tuple(cheap),
        (truth_name, *cheap_parts),
        (full, *_evaluators(cheap_parts, base.images, space, asked.device, spec.recipe.epochs)),
        None,
        {f"the study ({told})": (own, seconds[len(seconds) // 2])},
    )
    opening = f"{len(measured)} networks of study {name}, each trained for {epochs} epochs instead of {told}"
    return Subject(comparison, opening, f"a training of {epochs} epochs", base.images.checksum)


def _spread(name: str, trials: Sequence[TrialResult], count: int) -> list[TrialResult]:
    """At most ``count`` measured trials, evenly over the ranks of their accuracies: good, middling and poor ones."""
    measured = [
        t
        for t in trials
        if t.status is Status.OK and t.proposed and t.accuracy is not None and t.architecture is not None
    ]
    if len(measured) < 3:
        raise InputError.of(f"study {name}", "three or more measured networks", len(measured))
    measured.sort(key=_accuracy)
    if len(measured) > count:
        return [measured[round(i * (len(measured) - 1) / (count - 1))] for i in range(count)]
    return measured


def _accuracy(trial: TrialResult) -> float:
    """What the study knows of the network's accuracy: the mean of its measurements."""
    known = trial.accuracy if trial.accuracy_mean is None else trial.accuracy_mean
    return float(known or 0.0)


def run(
    found: Subject,
    *,
    repeats: int,
    workers: int,
    seed: int,
    scores: str | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """One row for each proxy, the best ranking first. ``scores`` is the file that keeps every score, and may hold some.

    ``say`` is given lines on how far the training of a supernet is.
    """
    if repeats < 1:
        raise InputError.of("--repeats", "1 or more", repeats)

    def epochs_of(proxy: str) -> Report:
        return epoch_lines(proxy.partition(":")[0], say)

    with ExitStack() as stack:
        file = None
        if scores:
            truths = found.comparison.truth_by_key()
            file = stack.enter_context(ScoreFile(scores, truths, seed, found.data))
        return compare(
            found.comparison,
            repeats=repeats,
            workers=workers,
            seed=seed,
            known=file.known if file else None,
            keep=file.keep if file else lambda score: None,
            report=report,
            epochs_of=epochs_of,
        )
