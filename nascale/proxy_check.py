"""The check of proxies behind ``nascale bench proxies``: which networks, what truth, and the comparison."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluators import fidelity
from evaluators.comparison import Scores, blend, measure
from evaluators.evaluator import Evaluator, Preparable
from evaluators.fidelity import spearman
from evaluators.images.image_set import ImageSet
from evaluators.images.loading import load
from evaluators.proxies import Panel, evaluator, parts, split_list
from evaluators.workers import open_pool
from evaluators.zero_cost import BASELINES
from nascale.progress import epoch_lines
from nascale.score_file import ScoreFile
from space.architecture import Architecture
from space.errors import InputError
from space.search_space import SearchSpace


@dataclass(frozen=True)
class Subject:
    """What is compared: networks, the proxies by name, and the truth, one accuracy a network.

    ``parts`` are the proxies that are measured, one for each of ``evaluators``; ``proxies`` are made of them.
    ``truth`` is None where it has to be measured: then the first evaluator measures it, and ``known`` holds
    scores by name that are there already (a study's own accuracies).
    """

    name: str
    truth_is: str
    architectures: tuple[Architecture, ...]
    proxies: tuple[str, ...]
    parts: tuple[str, ...]
    evaluators: tuple[Evaluator, ...]
    truth: tuple[float, ...] | None
    known: dict[str, tuple[list[float], float]]
    opening: str
    data: str
    floor: float | None = None


def subject(
    text: str,
    proxies: str,
    *,
    architectures: int,
    data: str | None,
    longer: float,
    seed: int,
    device: str,
    storage: str | None,
) -> Subject:
    """Reads ``text``, the path of a spec with a table or the name of a study. Raises InputError."""
    names = split_list(proxies)
    if not names:
        raise InputError.of("--proxies", "at least one proxy", proxies)
    if architectures < 3:
        raise InputError.of("--architectures", "3 or more", architectures)
    if text.endswith(".toml") or Path(text).is_file():
        return _of_table(text, names, architectures, data, seed, device)
    return _of_study(text, names, architectures, data, longer, seed, device, storage)


def _of_table(path: str, names: list[str], count: int, data: str | None, seed: int, device: str) -> Subject:
    from evaluators.table import open_table
    from nascale.spec import read_spec

    spec = read_spec(path)
    if spec.table is None:
        raise InputError.of(path, "a spec with a [table] section", "none")
    table = open_table(spec.table)
    if table.space.build is None:
        raise InputError.of(path, "a table whose space has networks (table.space)", table.space.name)
    images = load(data or spec.data, seed=spec.seed)
    assignments = table.assignments()
    random.Random(seed).shuffle(assignments)
    chosen: dict[str, tuple[Architecture, float, int]] = {}
    for decisions in assignments:
        network = table.space.decode(decisions)
        if network.key not in chosen:
            chosen[network.key] = (network, table.truth(decisions), table.index[table.position(decisions)])
        if len(chosen) == count:
            break
    networks = tuple(n for n, _, _ in chosen.values())
    rows = [row for _, _, row in chosen.values()]
    floor = None
    if table.accuracies.shape[1] > 1:
        from evaluators.fidelity import noise_floor

        noise = noise_floor(table.accuracies[rows].T.tolist())
        floor = noise.spearman if noise else None
    opening = f"{len(networks)} networks of {table.space.name} with distinct keys; proxies on {images.name}"
    if floor is not None:
        opening += f"; two runs of the truth agree at Spearman {floor:.3f}"
    return Subject(
        Path(path).stem,
        "the table",
        networks,
        tuple(names),
        _parts(names),
        _evaluators(_parts(names), images, table.space, device, spec.epochs),
        tuple(y for _, y, _ in chosen.values()),
        {},
        opening,
        images.checksum,
        floor,
    )


def _parts(names: Sequence[str]) -> tuple[str, ...]:
    """Every proxy that the named ones are made of, once."""
    return tuple(dict.fromkeys(part for name in names for part in parts(name)))


def _evaluators(
    names: Sequence[str], images: ImageSet, space: SearchSpace, device: str, epochs: int
) -> tuple[Evaluator, ...]:
    return tuple(
        evaluator(name, images, space=space, device=device, epochs=epochs, threads=1) for name in names
    )


def _of_study(
    name: str,
    names: list[str],
    count: int,
    data: str | None,
    longer: float,
    seed: int,
    device: str,
    storage: str | None,
) -> Subject:
    from nascale.launch import study_space, train_evaluator
    from nascale.spec import EPOCHS, SearchSpec
    from results.studies import load as load_study
    from results.trial_result import Status
    from space.codec import from_dict

    study = load_study(name, storage, architectures=True)
    measured = [
        t
        for t in study.trials
        if t.status is Status.OK and t.accuracy is not None and t.architecture is not None
    ]
    if len(measured) < 3:
        raise InputError.of(f"study {name}", "three or more measured networks", len(measured))
    measured.sort(key=lambda t: t.accuracy or 0.0)
    if len(measured) > count:
        # Evenly over the ranks: good, middling and poor networks all take part.
        measured = [measured[round(i * (len(measured) - 1) / (count - 1))] for i in range(count)]
    spec = SearchSpec(**{k: v for k, v in study.spec.items() if k in SearchSpec.__dataclass_fields__})
    if spec.evaluator == "table":
        raise InputError.of(f"study {name}", "a search that trained networks", f"one of {spec.table}")
    told = f"{spec.epochs} epochs"
    if spec.evaluator == "supernet":
        told = f"a supernet of {told}"
        spec = spec.replace(evaluator="train", epochs=EPOCHS["train"])
    spec = spec.replace(device=device, **({"data": data} if data else {}))
    base = train_evaluator(spec)
    space = study_space(spec, base.images)
    epochs = max(spec.epochs + 1, round(spec.epochs * longer))
    truth_name = f"train:epochs={epochs}"
    full = train_evaluator(spec.replace(epochs=epochs, fraction=1.0, train_resolution=None, train_width=1.0))
    own = [float(t.accuracy or 0.0) for t in measured]
    seconds = [float(t.seconds or math.nan) for t in measured]
    median = sorted(seconds)[len(seconds) // 2]
    cheap = [n for n in names if n != truth_name]
    measured_parts = tuple(part for part in _parts(cheap) if part != truth_name)
    return Subject(
        name,
        f"a training of {epochs} epochs",
        tuple(from_dict(t.architecture) for t in measured),
        tuple(cheap),
        (truth_name, *measured_parts),
        (full, *_evaluators(measured_parts, base.images, space, device, spec.epochs)),
        None,
        {f"the study ({told})": (own, median)},
        f"{len(measured)} networks of study {name}, each trained for {epochs} epochs instead of {told}",
        base.images.checksum,
    )


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
    """One row a proxy, the best ranking first. ``scores`` is the file that keeps every score, and knows some.

    ``say`` is told how far the training of a supernet has come.
    """
    if repeats < 1:
        raise InputError.of("--repeats", "1 or more", repeats)
    keys = [network.key for network in found.architectures]
    truths = dict(zip(keys, found.truth, strict=True)) if found.truth is not None else {}
    with ExitStack() as stack:
        file = stack.enter_context(ScoreFile(scores, truths, seed, found.data)) if scores else None
        seeds = range(seed, seed + repeats)
        evaluators, shares = _prepared(found, file.known if file else {}, seeds, say)
        pool = stack.enter_context(open_pool(Panel(evaluators), workers=workers))
        measured = measure(
            pool,
            found.parts,
            found.architectures,
            repeats=repeats,
            seed=seed,
            known=file.known if file else None,
            shares=shares,
            keep=file.keep if file else lambda score: None,
            report=report,
        )
    truth: Sequence[float] = found.truth if found.truth is not None else measured[0].runs[0]
    by_name = {s.name: s for s in measured}
    chosen = [blend(name, [by_name[part] for part in parts(name)]) for name in found.proxies]
    kept = [i for i, y in enumerate(truth) if math.isfinite(y)]
    return _rows(found, chosen, truth, kept, seed)


def _prepared(
    found: Subject,
    known: Container[tuple[str, str, int]],
    seeds: Sequence[int],
    say: Callable[[str], None],
) -> tuple[tuple[Evaluator, ...], dict[str, float]]:
    """The evaluators, ready, and each network's share of what that took, in seconds; nothing is done for known scores."""
    evaluators, shares = [], {}
    for name, one in zip(found.parts, found.evaluators, strict=True):
        wanted = [
            seed
            for repeat, seed in enumerate(seeds)
            if any((network.key, name, repeat) not in known for network in found.architectures)
        ]
        if wanted and isinstance(one, Preparable):
            one = one.prepare(wanted, threads=1, report=epoch_lines(name.partition(":")[0], say))
            shares[name] = one.shared_seconds / len(wanted) / len(found.architectures)
        evaluators.append(one)
    return tuple(evaluators), shares


def _rows(
    found: Subject, scores: Sequence[Scores], truth: Sequence[float], kept: list[int], seed: int
) -> list[dict[str, Any]]:
    if len(kept) < 3:
        raise InputError.of(found.name, "three or more networks with a truth", len(kept))
    true = [truth[i] for i in kept]
    runs = {name: [[own[i] for i in kept]] for name, (own, _) in found.known.items()}
    runs |= {s.name: [[run[i] for i in kept] for run in s.runs] for s in scores}
    seconds = {name: cost for name, (_, cost) in found.known.items()}
    seconds |= {s.name: s.median_seconds for s in scores}
    free = {name: spearman(np.array(runs[name][0]), np.array(true)) for name in BASELINES if name in runs}
    best = max((name for name in free if math.isfinite(free[name])), key=free.__getitem__, default=None)
    table = [
        fidelity.report(
            name,
            own,
            seconds[name],
            true,
            baseline=runs[best][0] if best and name not in free else None,
            seed=seed,
        )
        for name, own in runs.items()
    ]
    return sorted(table, key=lambda row: math.inf if math.isnan(row["spearman"]) else -row["spearman"])


def verdict(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the table says in words: the best ranking, and the best for its seconds among those that beat the baselines."""
    known = [r for r in rows if math.isfinite(r["spearman"])]
    if not known:
        return ["no proxy gave a ranking"]
    best = known[0]
    lines = [
        f"best ranking: {best['proxy']}, Spearman {best['spearman']:.2f} "
        f"[{best['spearman_low']:.2f}, {best['spearman_high']:.2f}], {best['seconds']:.2g} s a network"
    ]
    free = [r for r in known if r["proxy"] in BASELINES]
    if free:
        baseline = max(free, key=lambda r: r["spearman"])
        name = f"{baseline['proxy']} ({baseline['spearman']:.2f}), which is free"
        others = [r for r in known if r not in free]
        clear = [r for r in others if r["gain_low"] is not None and r["gain_low"] > 0]
        for r in clear:
            gained = f"{r['gain']:+.2f} [{r['gain_low']:+.2f}, {r['gain_high']:+.2f}]"
            lines.append(f"clearly better than {name}: {r['proxy']}, {gained}")
        if len(clear) > 1:
            most = max(clear, key=lambda r: r["gain"] / max(r["seconds"], 1e-9))
            lines.append(f"most gained per second: {most['proxy']}")
        if others and not clear:
            lines.append(f"no proxy is clearly better than {name}: the intervals of all gains reach 0")
    failed = [r for r in rows if r["failures"]]
    lines += [f"{r['proxy']} failed on {r['failures']} of {r['architectures']} networks" for r in failed]
    return lines
