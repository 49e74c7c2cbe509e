"""How the time is shared out: what the stages get of what is left, and what is kept back for the end.

Nothing of it is fixed for long. When a stage begins, what is left by then is shared out anew among it and those after it, so
that a stage which took longer, or less, changes all that follow by a little. The last training takes what remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

SHARES: Mapping[str, float] = {
    "first": 0.05,
    "search": 0.31,
    "heats": 0.18,
    "augmentation": 0.05,
    "final": 0.41,
}
"""What each stage gets of the time that the stages share; that of the augmentation follows from the heats'. Where there are no
heats, the final has their time."""
TITLES: Mapping[str, str] = {
    "start": "look at the images, measure this machine",
    "first": "a first stock network, trained shortly and exported",
    "stock": "stock networks",
    "search": "search",
    "again": "the best measured again",
    "heats": "the best of both trained longer",
    "augmentation": "stronger augmentation tried",
    "final": "full training",
    "test": "test",
    "export": "export, family, report",
}
"""What is printed for each part of the time."""
EXPORTED_AFTER = frozenset({"first", "heats"})
"""Stages after which the best network is exported, if it is better than what there is."""
LEAST = 60.0
"""Seconds below which nothing of use comes out."""
FIRST_SECONDS = 90.0
"""What the first network gets at most."""
WITHOUT_HEATS = 240.0
"""Up to so many seconds for all stages there are no heats: a longer final is worth more than a choice after so short ones."""
LONG, VERY_LONG = 900.0, 2400.0
"""From so many seconds on, more networks are trained in the heats, and still more; from the first on, stronger augmentation is
tried after them."""
SECOND_EXPORT = 0.8
"""What an export takes beside the first of a process, which loads what exporting needs."""
QUICK = 240.0
"""Up to so many seconds in all, the first export is of one format alone, and the others come with the last."""
ALL_FORMATS = 2.8
"""What an export of all formats takes beside one of one."""
LEAST_EXPORT = 11.0
"""Seconds that are kept back for an export of all formats: the network that comes last may have many more parts than the first one."""
WIDE_EPOCHS = 40
"""Epochs of the final that a found network is to have after it was made wider: before that, a narrow one that trains faster is
as good (docs/auto-figures.md has the figures)."""
MARGIN = 0.01
"""Share of the whole time that is kept back for what nobody foresees."""


@dataclass(frozen=True)
class Costs:
    """Seconds that are no stage's: the last export and an ``early`` one, the tests of the final, and what is written besides."""

    export: float = 15.0
    early: float = 15.0
    test: float = 5.0
    writing: float = 3.0

    @classmethod
    def expected(cls, within: float) -> Costs:
        """What is expected before anything was exported."""
        return cls(early=cls.early / ALL_FORMATS) if within <= QUICK else cls()

    @classmethod
    def measured(cls, within: float, seconds: float) -> Costs:
        """What is expected after the first export, which took so many seconds."""
        later = SECOND_EXPORT * seconds
        if within > QUICK:
            return cls(later, later)
        return cls(export=max(LEAST_EXPORT, ALL_FORMATS * seconds), early=seconds)


@dataclass(frozen=True)
class Plan:
    """What is to come: ``stages`` in order, the whole time ``within``, and the ``costs`` of what ends it.

    ``shares`` are those of the stages that there are, in order.
    """

    within: float
    shares: Mapping[str, float]
    costs: Costs = Costs()

    @classmethod
    def of(cls, within: float, spent: float, slots: int = 2, augmentations: int = 2) -> Plan:
        """The plan of ``within`` seconds of which ``spent`` have passed, for so many trainings at once.

        Each of the ``augmentations`` that are tried gets the time of a training of the heats, which it is compared with.
        """
        plan = cls(within, SHARES, Costs.expected(within))
        shares = dict(SHARES)
        rounds = ceil(sum(heat_sizes(within, slots)) / slots)
        shares["augmentation"] = shares["heats"] / rounds * ceil(augmentations / slots)
        if plan.shared(spent) <= WITHOUT_HEATS:
            shares["final"] += shares.pop("heats")
        if plan.shared(spent) < LONG or not augmentations:
            del shares["augmentation"]
        return replace(plan, shares=shares)

    @property
    def stages(self) -> tuple[str, ...]:
        """Those that there are, in their order."""
        return tuple(self.shares)

    @property
    def kept_back(self) -> float:
        """Seconds after the last training."""
        return self.costs.export + self.costs.test + self.costs.writing + MARGIN * self.within

    def exports_after(self, stage: str) -> int:
        """How many exports follow stages from ``stage`` on, but for the last."""
        return sum(name in EXPORTED_AFTER for name in self._from(stage))

    def _from(self, stage: str) -> tuple[str, ...]:
        return self.stages[self.stages.index(stage) :]

    def shared(self, spent: float, stage: str = "first") -> float:
        """The seconds that ``stage`` and those after it share, once ``spent`` have passed."""
        return self.within - spent - self.kept_back - self.exports_after(stage) * self.costs.early

    def until(self, stage: str, spent: float) -> float:
        """How many seconds may be spent when ``stage``, which begins now, ends; the first one is short in a long plan."""
        seconds = self.seconds(stage, stage, spent)
        return spent + (min(seconds, FIRST_SECONDS) if stage == "first" else seconds)

    def seconds(self, stage: str, begins: str, spent: float) -> float:
        """What ``stage`` gets by its share where ``begins`` begins now."""
        share = self.shares[stage] / sum(self.shares[name] for name in self._from(begins))
        return max(0.0, self.shared(spent, begins)) * share

    def rows(self, spent: float) -> dict[str, float]:
        """Seconds by part of the time, as they are planned when ``spent`` have passed and nothing has begun."""
        rows, now = {"start": spent}, spent
        for stage in self.stages:
            until = self.until(stage, now)
            rows[stage] = until - now
            export = self.costs.early if stage in EXPORTED_AFTER else 0.0
            now = until + export
            rows[stage] += export
        rows["test"] = self.costs.test
        rows["export"] = self.within - sum(rows.values())
        return rows


@dataclass(frozen=True)
class Fidelity:
    """How long the trainings of a search are: ``epochs`` over ``fraction`` of the training images; and how many fit."""

    epochs: int
    fraction: float
    trials: int


MOST_EPOCHS, FEWEST_TRIALS = 12, 12
SEARCHED = 0.7
"""What a network of a search takes beside a stock one, which uses the whole budget."""


def fidelity(seconds: float, workers: int, epoch_seconds: float, epochs: int | None = None) -> Fidelity:
    """The fidelity of a search of ``seconds`` where an epoch of a stock network takes ``epoch_seconds``.

    Of the epochs that fit, more go into more networks than into longer trainings: their number rises with the power 0.3 of
    all epochs. ``epochs`` is what the user asked for.
    """
    fitting = workers * seconds / (SEARCHED * epoch_seconds)
    each, fraction = epochs or min(MOST_EPOCHS, max(1, round(fitting**0.3))), 1.0
    if epochs is None and fitting < FEWEST_TRIALS:
        each = 1
        fraction = max(0.05, ceil(20 * fitting / FEWEST_TRIALS) / 20)
    return Fidelity(each, fraction, max(1, int(fitting / (each * fraction))))


FEWEST_STOCK = 2
EXPECTED_AGAIN = 0.15
"""Share of a search that measuring again is expected to take; how much it is, its noise decides."""


def stock_size(trials: int, there: int) -> int:
    """How many of the stock networks that are ``there`` a search of so many trials measures: a tenth, so that it has time itself."""
    return min(there, max(FEWEST_STOCK, trials // 10))


def search_rows(
    seconds: float, how: Fidelity, stock: int, workers: int, epoch_seconds: float
) -> dict[str, float]:
    """What is expected of the ``seconds`` of a search of fidelity ``how`` that measures so many ``stock`` networks."""
    each = how.epochs * how.fraction * epoch_seconds / workers
    for_stock = min(stock * each, seconds / 2)
    again = EXPECTED_AGAIN * (seconds - for_stock)
    return {"stock": for_stock, "search": seconds - for_stock - again, "again": again}


def heat_sizes(seconds: float, slots: int) -> tuple[int, int]:
    """(found, stock): how many networks of each kind the heats train in a whole of ``seconds``.

    All slots are busy all the time; a third of the networks, and two at least, are stock ones: the best of them is to be known
    as well as that of the found ones.
    """
    rounds = 2 + (seconds >= LONG) + (seconds >= VERY_LONG)
    size = max(4, rounds * slots)
    stock = max(2, round(size / 3))
    return size - stock, stock
