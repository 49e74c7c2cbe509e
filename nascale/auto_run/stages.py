"""The stages of the work in their order, and the decisions between them; what does the work is handed in.

Each decision that depends on time is stored before it is acted upon. A stage that was ended is not repeated, and one that
was begun goes on: the whole can be killed and started again at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from statistics import fmean, harmonic_mean
from typing import Any

from nascale.auto_run import augmentation, more_images, words
from nascale.auto_run.augmentation import Options, Tried
from nascale.auto_run.clock import Clock
from nascale.auto_run.plan import (
    QUICK,
    SHARES,
    WIDE_EPOCHS,
    Costs,
    Fidelity,
    Plan,
    fidelity,
    heat_sizes,
    search_rows,
    stock_size,
)
from nascale.auto_run.state import Finalist, State
from nascale.auto_run.verdict import Longer, of_more_time, of_ranking, worth_it
from nascale.auto_run.work import Seen, Trained, Work
from results.intervals import Difference, paired_difference
from space.errors import RunError

Say = Callable[[str], None]
Beat = Callable[[], None]
_FIRST = 2
_MOST_TOGETHER = 4


class Stages:
    """Runs ``work`` within the time of ``state``; ``say`` is told what goes on."""

    def __init__(self, work: Work, state: State, clock: Clock, say: Say) -> None:
        self.work, self.state, self.clock, self.say = work, state, clock, say
        self._part: tuple[str, float] | None = None

    def run(self) -> State:
        """Does all that is not done yet; returns the finished state."""
        plan = self._begin()
        plan = self._first(plan)
        found = self._as_wide(plan, self._search(plan))
        if "heats" in plan.stages:
            found = self._heats(plan, found)
        options: Options = {}
        if "augmentation" in plan.stages:
            options = self._augmentation(plan)
        last = self._final(plan, found, options)
        self._end(last)
        return self.state

    # --- the parts

    def _begin(self) -> Plan:
        state = self.state
        with self._spending("start"):
            seconds = self._decide("epoch_seconds", self.work.epoch_seconds)
            begun = self._decide("begun", lambda: self.clock.spent)
            plan = Plan.of(state.within_seconds, begun, self.work.slots, len(self.work.augmentations))
        new = not state.planned
        if new:
            rows = plan.rows(begun)
            how = fidelity(rows["search"], self.work.slots, seconds, state.request.get("epochs"))
            stock = stock_size(how.trials, len(self.work.stock))
            state.planned = rows | search_rows(rows["search"], how, stock, self.work.slots, seconds)
            state.stock = [one.to_json() for one in self.work.stock]
            state.machine = {"trainings_at_once": self.work.slots, "epoch_seconds": seconds}
            self._write()
        for line in words.plan_lines(state, self.work.slots, seconds, new=new):
            self.say(line)
        return plan

    def _first(self, plan: Plan) -> Plan:
        with self._spending("first"):
            some = list(self.work.stock)[: min(_FIRST, self.work.slots)]
            done = self._trained("first", plan, some)
            before = self.clock.spent
            self._publish_best(done)
            taken = self._decide("export_seconds", lambda: self.clock.spent - before)
        return replace(plan, costs=Costs.measured(plan.within, taken)) if done else plan

    def _search(self, plan: Plan) -> list[Finalist]:
        state = self.state
        with self._spending("search"):
            until = self._decide("until search", lambda: plan.until("search", self.clock.spent))
            how = self._decide("fidelity", lambda: self._fidelity(until))
            if "found" not in state.decisions:
                result = self.work.search(Fidelity(**how), until)
                self._split(state.spent, result.seconds)
                state.search = {**how, **result.told}
                known = {one.name: one for one in result.networks}
                state.stock = [known.get(one.name, one).to_json() for one in self.work.stock]
                self._decide("found", lambda: [one.to_json() for one in result.networks])
        return [Finalist.of_json(one) for one in state.decisions["found"]]

    def _split(self, seconds: dict[str, float], shares: Mapping[str, float]) -> None:
        """Shares the seconds of the search out among stock networks, new ones and measurements of known ones."""
        self._count()
        whole, total = seconds.get("search", 0.0), sum(shares.values())
        if total > 0:
            seconds |= {part: whole * share / total for part, share in shares.items()}

    def _fidelity(self, until: float) -> dict[str, Any]:
        """Chosen by the speed of the first trainings, which ran side by side as the search's do."""
        left = self.clock.left(until)
        return vars(fidelity(left, self.work.slots, self._epoch_seconds(), self.state.request.get("epochs")))

    def _epoch_seconds(self) -> float:
        """What an epoch of a stock network takes, as the first trainings, side by side, had it."""
        known = [one.epoch_seconds for one in self._results("first")]
        return float(harmonic_mean(known) if known else self.state.decisions["epoch_seconds"])

    def _as_wide(self, plan: Plan, found: Sequence[Finalist]) -> list[Finalist]:
        """The networks of a search, those found that are to be trained longer as wide as budgets and time allow."""
        with self._spending("search"):
            wide = self._decide("as wide", lambda: self._widened(plan, found))
        return [Finalist.of_json(wide[one.name]) if one.name in wide else one for one in found]

    def _widened(self, plan: Plan, found: Sequence[Finalist]) -> dict[str, Any]:
        begins = "heats" if "heats" in plan.stages else "final"
        if f"{begins} networks" in self.state.decisions:  # by a version that widened later
            return {}
        size, _ = self._sizes(begins)
        rounds = ceil(sum(self._sizes("final")) / self.work.slots)
        seconds = plan.seconds("final", begins, self.clock.spent) / rounds / WIDE_EPOCHS
        measured = fmean(one.macs for one in self.work.stock[: min(_FIRST, self.work.slots)])
        most = measured * seconds / self._epoch_seconds()
        wide = {one.name: self.work.widened(one, most) for one in _chosen(found, size, 0) if not one.stock}
        return {name: one.to_json() for name, one in wide.items() if one is not None}

    def _sizes(self, stage: str) -> tuple[int, int]:
        """How many found networks, and how many stock ones, a stage trains."""
        if stage == "heats":
            return heat_sizes(self.state.within_seconds, self.work.slots)
        return max(1, min(self.work.slots, _MOST_TOGETHER) - 1), 1

    def _heats(self, plan: Plan, found: Sequence[Finalist]) -> list[Finalist]:
        with self._spending("heats"):
            done = self._trained("heats", plan, _chosen(found, *self._sizes("heats")))
            self._publish_best(done)
        # A network of the first stage may lead those of the heats: in equal time a fast one has more epochs than the search gave it.
        ranked = sorted([*done, *self._results("first")], key=lambda one: -one.score)
        # As the search knows them: what the first stage trained had no score then.
        known = {one.name: one for one in found}
        names = dict.fromkeys(one.finalist.name for one in ranked if one.finalist.name in known)
        return [known[name] for name in names] if done else list(found)

    def _augmentation(self, plan: Plan) -> Options:
        """Tries stronger augmentations on the best of the heats, and says which the final gets."""
        plain = max(self._results("heats"), key=lambda one: one.score, default=None)
        if plain is None:
            return {}
        with self._spending("augmentation"):
            epochs = self._decide(
                "final epochs",
                lambda: int(plan.seconds("final", "augmentation", self.clock.spent) / plain.epoch_seconds),
            )
            if epochs < augmentation.FEWEST_EPOCHS:
                return {}
            tried = self._trained(
                "augmentation", plan, [plain.finalist] * len(self.work.augmentations), self.work.augmentations
            )
            options: Options = self._decide(
                "augmentation", lambda: self._chosen_augmentation(plain, tried, epochs)
            )
            return options

    def _chosen_augmentation(self, plain: Trained, tried: Sequence[Trained], epochs: int) -> dict[str, Any]:
        before, *stronger = (Tried(one.options, one.epochs, one.loss) for one in (plain, *tried))
        options = augmentation.chosen(before, stronger, epochs)
        self.state.augmentation = {
            "network": plain.finalist.name,
            "tried": [vars(one) for one in (before, *stronger)],
            "final_epochs": epochs,
            "chosen": options,
        }
        return dict(options)

    def _final(self, plan: Plan, ranked: Sequence[Finalist], options: Options) -> list[Trained]:
        with self._spending("final"):
            some = _chosen(ranked, *self._sizes("final"))
            options = {**options, **self._decide("more images", lambda: self._more_images(plan))}
            return self._trained("final", plan, some, [options] * len(some))

    def _more_images(self, plan: Plan) -> dict[str, Any]:
        """Options with which the final learns from validation images too: where that was asked for, or it has time for enough
        epochs.

        Without heats it is the final that chooses between found and stock networks, and it needs all of these images.
        """
        if more_images.OPTION in self.state.request:
            return dict(self.work.more_images)
        best = max(self._results("heats"), key=lambda one: one.score, default=None)
        if best is None:
            return {}
        rounds = ceil(sum(self._sizes("final")) / self.work.slots)
        seconds = plan.seconds("final", "final", self.clock.spent) / rounds
        enough = seconds / best.epoch_seconds >= more_images.FEWEST_EPOCHS
        return dict(self.work.more_images) if enough else {}

    def _end(self, last: Sequence[Trained]) -> None:
        state, work = self.state, self.work
        if not last and state.exported is None:
            raise RunError("no network could be trained to the end")
        everyone = self._all_trained()
        with self._spending("test"):
            winner = self._winner(last, everyone)
            test = self._judge(winner, last, everyone)
        with self._spending("export"):
            if state.exported is None or not state.exported.get("tested"):
                work.publish(winner, quick=False)
                self._exported(winner, tested=True)
            state.family = work.describe(winner, test)
            work.report(words.conclusions(state))
        state.finished = True
        state.sentences = words.sentences(state)
        self._write()

    def _winner(self, last: Sequence[Trained], everyone: Sequence[Trained]) -> Trained:
        """What is exported at the end: the best by the validation images.

        Where the final learned from some of these, its best, unless the others say that it is worse than what is exported.
        """
        if not any(map(more_images.learned_more, last)):
            return max(everyone, key=lambda one: one.score)
        others = [one for one in everyone if not more_images.learned_more(one)]
        winner = more_images.best(last, self._results("heats"))
        before = max(others, key=lambda one: one.score, default=None)
        if before is None:
            return winner
        pair = self.work.right(winner), self.work.right(before, winner)
        return before if more_images.went_wrong(paired_difference(*pair)) else winner

    def _judge(self, winner: Trained, last: Sequence[Trained], everyone: Sequence[Trained]) -> Seen | None:
        """Looks at the test images, and draws the conclusions; what the look at the winner showed."""
        state, work = self.state, self.work
        found = next((one for one in last if not one.finalist.stock), None)
        stock = next((one for one in last if one.finalist.stock), None)
        tests = {
            one.folder: work.test(one) for one in {t.folder: t for t in (winner, found, stock) if t}.values()
        }
        best = tests[winner.folder]
        state.test = None if best is None else best.figures
        difference: Difference | None = None
        if found is not None and stock is not None:
            mine, theirs = tests[found.folder], tests[stock.folder]
            on = "test images" if mine is not None and theirs is not None else "validation images"
            pair = (
                (mine.right, theirs.right)
                if mine is not None and theirs is not None
                else (work.right(found), work.right(stock))
            )
            difference = paired_difference(*pair)
            names = {"found": found.finalist.name, "stock": stock.finalist.name}
            state.difference = {**vars(difference), **names, "images": len(pair[0]), "of": on}
        state.worth_it = worth_it(difference, stock_is_exported=winner.finalist.stock)
        told = [
            (one.finalist.score, one.score) for one in self._results("heats") if one.finalist.measurements
        ]
        state.ranking = of_ranking([one for one, _ in told], [one for _, one in told])
        more = of_more_time(list(self._curves(everyone, last)))
        state.more_time = None if more is None else vars(more)
        return best

    def _curves(self, everyone: Sequence[Trained], last: Sequence[Trained]) -> Iterator[Longer]:
        """Networks of the last trainings that were trained alike for fewer epochs before, on the validation images that none of
        them learned from.

        Others say nothing of more time: an earlier stage ended where a last training does not.
        """
        on = next(filter(more_images.learned_more, last), None)
        by_name: dict[str, list[Trained]] = {}
        for one in everyone:
            own = sorted(item for item in one.options.items() if item[0] != more_images.OPTION)
            by_name.setdefault(f"{one.finalist.name} {own}", []).append(one)
        for alike in by_name.values():
            short, long = (pick(alike, key=lambda one: one.epochs) for pick in (min, max))
            if long in last and short is not long:
                yield Longer(short.epochs, long.epochs, self.work.right(short, on), self.work.right(long, on))

    # --- what the parts share

    def _trained(
        self, stage: str, plan: Plan, some: Sequence[Finalist], options: Sequence[Options] = ()
    ) -> list[Trained]:
        """Trains them in ``stage``, as many at once as there are slots; all have the same time.

        ``options`` are those of each beside what all trainings have; none of any for none.
        """
        if f"{stage} is over" in self.state.decisions:
            return self._results(stage)
        each = options or [{}] * len(some)
        chosen = self._decide(
            f"{stage} networks",
            lambda: [one.to_json() | {"options": dict(own)} for one, own in zip(some, each, strict=True)],
        )
        trainings = [(Finalist.of_json(one), one["options"]) for one in chosen]
        slots = self.work.slots
        groups = [trainings[at : at + slots] for at in range(0, len(trainings), slots)]
        ends = self._decide(
            f"until {stage}", lambda: self._ends(plan.until(stage, self.clock.spent), len(groups))
        )
        done: list[Trained] = []
        for group, until in zip(groups, ends, strict=True):
            done += self.work.train(stage, group, until, self.state.decisions["epoch_seconds"])
        self._note(stage, [one for one, _ in trainings], done)
        self._decide(f"{stage} is over", lambda: True)
        return done

    def _results(self, stage: str) -> list[Trained]:
        """What came of a stage, in the order in which its networks were chosen."""
        return [
            Trained(Finalist.of_json(one), **one[stage])
            for one in self.state.decisions.get(f"{stage} results", [])
        ]

    def _ends(self, until: float, groups: int) -> list[float]:
        now = self.clock.spent
        return [now + (until - now) * (at + 1) / groups for at in range(groups)]

    def _note(self, stage: str, networks: Sequence[Finalist], done: Sequence[Trained]) -> None:
        """Keeps what came of a stage, the best of each network among the candidates."""
        results = [one.finalist.to_json() | {stage: one.to_json()} for one in done]
        self.state.decisions[f"{stage} results"] = results
        figures = {one["name"]: one[stage] for one in sorted(results, key=lambda one: one[stage]["score"])}
        known = {one["name"]: one for one in self.state.candidates}
        for network in networks:
            entry = known.get(network.name) or network.to_json()
            entry |= network.to_json() | {stage: figures.get(network.name)}
            known[network.name] = entry
        self.state.candidates = list(known.values())
        self._write()

    def _all_trained(self) -> list[Trained]:
        return [one for stage in SHARES for one in self._results(stage)]

    def _publish_best(self, done: Sequence[Trained]) -> None:
        """Exports the best of them if it is better than what is exported."""
        best = max(done, key=lambda one: one.score, default=None)
        if best is None or best.score <= (self.state.exported or {}).get("score", float("-inf")):
            return
        self.say(f"exporting {best.finalist.name}, validation accuracy {best.accuracy:.4f}")
        self.work.publish(best, quick=self.state.within_seconds <= QUICK)
        self._exported(best)

    def _exported(self, one: Trained, *, tested: bool = False) -> None:
        name = {"name": one.finalist.name, "stock": one.finalist.stock, "tested": tested}
        self.state.exported = {**name, **one.to_json()}
        self._write()

    def _decide(self, name: str, choose: Callable[[], Any]) -> Any:
        """What was decided before, or what is decided now and stored at once."""
        if name not in self.state.decisions:
            self.state.decisions[name] = choose()
            self._write()
        return self.state.decisions[name]

    @contextmanager
    def _spending(self, part: str) -> Iterator[None]:
        """Counts the seconds as those of a part of the work."""
        self._part = (part, self.clock.spent)
        yield
        self._count()
        self._part = None
        self._write()

    def _count(self) -> None:
        """Adds what was spent since the last call to the part that runs."""
        if self._part is not None:
            part, counted = self._part
            now = self.clock.spent
            self.state.spent[part] = self.state.spent.get(part, 0.0) + now - counted
            self._part = (part, now)

    def beat(self) -> None:
        """To be called often while something takes long."""
        self._count()
        self.state.beat(self.clock.spent)

    def _write(self) -> None:
        self._count()
        self.state.write(self.clock.spent)


def _chosen(ranked: Sequence[Finalist], found: int, stock: int) -> list[Finalist]:
    """The best ``found`` of the search and the best ``stock`` networks, each in their order; the best found one first."""
    ours = [one for one in ranked if not one.stock][:found]
    theirs = [one for one in ranked if one.stock][: max(stock, found + stock - len(ours))]
    return [*ours, *theirs]
