"""What a search says on the screen: before it starts, what its space holds, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.pools.pace import Pace
from nascale import transfer
from nascale.quantities import human_cost
from nascale.spec import SearchSpec
from results.networks import answer
from results.stock import against_stock
from results.storage_url import redacted
from search.settings import Budgets

if TYPE_CHECKING:
    from nascale.launch import Outcome, Prepared
    from search.space_statistics import SpaceStatistics


def opening(spec: SearchSpec, prepared: Prepared) -> list[str]:
    """What the search is going to do: study, objective, budgets, what the space holds."""
    settings, epochs = spec.settings(), spec.recipe.epochs
    asked = f"table {Path(spec.table.source).name}" if spec.table else f"{spec.images.data}, {epochs} epochs"
    if spec.evaluator == "supernet":
        asked = f"{spec.images.data}, a supernet of {epochs} epochs"
    lines = [
        f"study {spec.study} in {redacted(spec.storage)}: {spec.sampler} on space {prepared.space.name}, {asked}",
        *data_lines(prepared),
        *(f"learns from {said}" for said in transfer.summary(prepared.experiences).values()),
        settings.objective.sentence(),
        *statistics_lines(prepared.statistics, settings.budgets),
    ]
    if prepared.stock:
        names = ", ".join(one.name for one in prepared.stock)
        lines.append(
            f"the first {len(prepared.stock)} of {settings.trials} trials are stock networks, to compare with: {names}"
        )
    trust = prepared.evaluator.summary()
    if trust is not None:
        lines.append(trust)
    if spec.table and spec.table.scale.is_loss:
        lines.append("the table holds losses: accuracies are exp(−loss)")
    if spec.evaluator == "supernet":
        lines.append(
            "accuracies are those of shared weights: they rank networks, a training from scratch reaches more"
        )
    if not spec.table:
        lines.append(f"{spec.pool.workers or 'no'} workers, {spec.window} suggestions out at once")
        if spec.pool.workers:
            lines.append(Pace(spec.pool.trial_timeout).sentence())
    return lines


def data_lines(prepared: Prepared) -> list[str]:
    """What the images hold, in one line, and the batch if it was made to fit them; nothing for a table."""
    from evaluators.images.summary import DataSummary

    images = prepared.evaluator.images
    if images is None:
        return []
    lines = [f"data {DataSummary.of(images).line()}"]
    batch = prepared.spec.recipe.batch_size
    if prepared.batch_fitted:
        lines.append(f"batches of {batch} images, which fit the {len(images.train)} training images")
    return lines


def closing(outcome: Outcome) -> list[str]:
    """How it ended: how many trials, cache hits and repeats, and the best network with how sure it is."""
    p = outcome.progress
    lines = []
    if p.stopped:
        lines.append(f"ended early: {p.stopped}")
    counts = [f"{p.reused} cache hits"]
    counts += [
        f"{n} {name}"
        for n, name in (
            (len(p.stock), "stock networks"),
            (p.repeats, "repeats"),
            (p.pruned, "pruned"),
            (p.failed, "failed"),
            (p.infeasible, "over budget"),
        )
        if n
    ]
    lines.append(f"study {outcome.study}: {p.finished} trials, {', '.join(counts)}")
    if p.best is not None:
        known = [f"{human_cost(c, p.best.costs[c])} {c}" for c in ("macs", "params") if c in p.best.costs]
        lines.append(
            f"best: trial {p.best.number}, {p.merit.replace('_', ' ')} {p.best_accuracy:.4f}"
            + "".join(f", {k}" for k in known)
        )
        found = answer(p.networks)
        if found is not None and found.error is not None:
            lines.append(f"      {found.sentence()}")
        compared = against_stock(p.networks, p.stock)
        if compared is not None:
            lines.append(compared.sentence())
    if outcome.scores is not None and outcome.scores.sentence is not None:
        lines.append(outcome.scores.sentence)
    return lines


def statistics_lines(statistics: SpaceStatistics, budgets: Budgets) -> list[str]:
    """Lines for the eye; the last only where there are budgets."""
    size = f"{statistics.size:,}" if statistics.size < 10**9 else f"{statistics.size:.3g}"
    drawn = f"{statistics.networks} drawn with seed {statistics.seed}" if statistics.drawn else "enumerated"
    lines = [f"space {statistics.space}: {size} assignments ({drawn})"]
    if statistics.infeasible:
        missing = "are not in the table" if statistics.partial else "cannot be built"
        lines[0] += f", {statistics.infeasible:.1%} {missing}"
    if statistics.ranges:
        ranges = (
            f"{name} {human_cost(name, low)} – {human_cost(name, middle)} – {human_cost(name, high)}"
            for name, (low, middle, high) in statistics.ranges.items()
        )
        lines.append("min – median – max: " + "; ".join(ranges))
    if budgets.bounds():
        bounds = {
            name: f"{name} {human_cost(cost, bound)}" for name, (cost, bound) in budgets.bounds().items()
        }
        known = [f"{bounds.get(name, name)}: {share:.1%}" for name, share in statistics.shares.items()]
        unknown = [
            f"{text}: known once measured" for name, text in bounds.items() if name not in statistics.shares
        ]
        lines.append("share within budget: " + ", ".join(known + unknown))
    return lines
