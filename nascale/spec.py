"""A search for networks as one frozen value: every key of SPEC.toml, each of which is also an option.

A spec file is flat TOML. A ``[space]`` section writes a search space down; a ``[table]`` section describes a table
of results (``evaluators.table_settings``) and makes the search ask that table. Options win over the file, the file
over the defaults.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from evaluators.init_scores.scores import INIT_SCORES
from evaluators.proxies import SUPERNET_EPOCHS
from evaluators.table_settings import TableSettings, read_settings, table_settings
from nascale.keys import check_known
from nascale.quantities import kind_of_cost, parse_quantity
from nascale.spaces import space_name, space_text, space_value
from nascale.study_spec import SMALLEST_WINDOW, StudySpec
from results.toml_file import read_toml
from results.trial_result import MERITS
from search.objective import SOFT_EXPONENT, Objective
from search.prior.network_scores import score_names
from search.pruning.registry import pruners
from search.samplers.registry import samplers
from search.settings import Budgets, SearchSettings
from space.around_budget import NAME as AROUND_BUDGET
from space.cost import COST_NAMES
from space.errors import InputError, UnknownNameError
from space.setting import group, setting
from space.stock import STOCK
from space.template import Template
from space.zoo import ZOO

EVALUATORS = ("train", "supernet", "table")
LATENCY_MODES = ("eager", "exported", "compiled")
AUTO, NONE = "auto", "none"
"""What is left to the search, and what it is to do without: repeats and stock networks."""
STOCK_SHARE = 0.2
"""Share of the trials that stock networks take at most, where they are left to the search."""
EPOCHS = {"train": 5, "supernet": SUPERNET_EPOCHS, "table": 5}
"""Epochs by evaluator, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class SearchSpec(StudySpec):
    """What to search, with what, how long and where."""

    space: str | Template | None = setting(
        None,
        "value",
        "Search space: a name, or a .toml file that writes one down.  [default: what the table names; for trainings within "
        f"a budget of the architecture {AROUND_BUDGET}, else mixed]",
    )
    sampler: str = setting(
        "controller",
        "text",
        "; ".join(f"{info.name} ({info.description})" for info in samplers().values()) + ".",
    )
    learn_from: str | None = setting(
        None,
        "text",
        "Start from what other studies of the same space found, with other images or budgets: STUDY, or STUDY@STORAGE for "
        "one that is kept elsewhere; several joined by commas.  Samplers controller and controller-ppo.",
    )
    prior: str | None = setting(
        None,
        "text",
        "Scores of networks that need no training, as naswot,macs: what they are worth is learned from the search's own results. "
        f"Joined by commas; {', '.join(INIT_SCORES)}, with settings as naswot:batch_size=32, or a cost.  Samplers controller, gp-ei.",
    )
    evaluator: str = setting(
        None,
        "text",
        "train (each network from scratch), supernet (all networks share weights that are trained once: seconds a "
        "network, for a ranking) or table.  [default: table where there is one, else train]",
    )
    table: TableSettings | None = setting(
        None, "value", "TOML file that describes a table of results to ask instead of training."
    )
    objective: str = setting(
        "accuracy",
        "value",
        "accuracy; balanced_accuracy (the mean over the classes); timed_accuracy (as expected where networks are trained for equal time, not equal epochs); mnas = accuracy × (cost / target)^exponent; mnas-hard, which only counts what is beyond the "
        "target; or several, as accuracy,macs.  The best network of mnas does not depend on the target: to land "
        "on a target use mnas-hard or a budget.",
    )
    cost: str = setting("macs", "text", f"Cost in mnas: {', '.join(COST_NAMES[:-1])} or {COST_NAMES[-1]}.")
    target: float | None = setting(
        None, "value", "Cost at which mnas leaves the accuracy as it is, in the cost's unit: 5M, 64MB, 8ms."
    )
    exponent: float = setting(
        SOFT_EXPONENT,
        "float",
        "Exponent of mnas; at −0.07 doubling the cost must buy a factor 1.0497 in accuracy.",
    )
    latency_batch: int = setting(1, "int", "Images in the batch whose latency is measured.")
    latency_mode: str = setting(
        "eager", "text", f"How latency is measured: {', '.join(LATENCY_MODES[:-1])} or {LATENCY_MODES[-1]}."
    )
    pruner: str = setting(
        "none",
        "text",
        "Stop poor trainings early: "
        + "; ".join(f"{info.name} ({info.description})" for info in pruners().values())
        + ".",
    )
    repeats: int | str = setting(
        "auto",
        "value",
        "Trials that measure the best networks again, under fresh seeds: a number, or auto (as many as the noise asks for, "
        "at most a quarter; none where there is no noise).",
    )
    stock: str = setting(
        "auto",
        "value",
        "Known networks that are brought under the budgets, trained first and compared with what is found: names joined by commas, "
        "none, or auto (the best known, as a fifth of the trials at most, where networks are trained within a budget of the "
        "architecture).",
    )
    rungs: str | None = setting(
        None,
        "text",
        "Train each network several times, at rising fidelity, and let the pruner stop it between two: "
        "fraction=0.1,0.3 or resolution=16,24 or width=0.25,0.5 or epochs=1,3, below the search's own.  "
        "[default: one training, judged after a ninth, a third and five ninths of its epochs]",
    )
    budgets: Budgets = group(Budgets)
    fits_space: bool = field(default=False, compare=False)
    """Whether the space may be another, because none was asked for."""

    @classmethod
    def of(cls, **keys: Any) -> Self:
        """The spec with these keys; how many epochs are the default depends on the evaluator."""
        if keys.get("epochs") is None:
            evaluator = keys.get("evaluator") or ("table" if keys.get("table") else "train")
            keys["epochs"] = EPOCHS.get(str(evaluator), EPOCHS["train"])
        found = super().of(**keys)
        found._fill("fits_space", keys.get("space") is None)
        return found

    def replace(self, **changes: Any) -> Self:
        return super().replace(**({"space": None} if self.fits_space else {}) | changes)

    def __post_init__(self) -> None:
        chosen = self.space is not None
        if chosen:
            self._fill("space", space_value(self.space))
        if isinstance(self.table, (str, os.PathLike)):
            self._fill("table", read_settings(self.table))
        if isinstance(self.objective, (list, tuple)):
            self._fill("objective", ",".join(map(str, self.objective)))
        if self.evaluator is None:
            self._fill("evaluator", "table" if self.table else "train")
        if not chosen and self.table is None:
            fits = self.evaluator == "train" and self.budgets.of_architecture
            self._fill("space", AROUND_BUDGET if fits else "mixed")
        if self.window is None:
            self._fill("window", 1 if self.evaluator == "table" else max(SMALLEST_WINDOW, self.pool.workers))
        self._fill("repeats", _repeats(self.repeats))
        self._fill("stock", _stock(self.stock))
        self._check()
        if self.target is not None:
            self._fill("target", parse_quantity(self.target, kind_of_cost(self.cost), "target"))
        self.settings()
        self._check_latency()
        super().__post_init__()

    def _check(self) -> None:
        """Raises InputError for settings that do not go together."""
        if not isinstance(self.objective, str):
            raise InputError.of("objective", "text", self.objective)
        if self.evaluator not in EVALUATORS:
            raise UnknownNameError("evaluator", self.evaluator, EVALUATORS)
        if self.evaluator == "table" and self.table is None:
            raise InputError.of("evaluator table", "--table FILE.toml or a [table] section", None)
        workers = self.pool.workers
        if self.evaluator != "table" and self.window < workers:
            raise InputError.of("window", f"{workers} or more, as many as workers", self.window)
        if self.stock not in (AUTO, NONE) and self.evaluator != "train":
            raise InputError.of("stock", f"{AUTO} or {NONE} where networks are not trained", self.stock)
        if len(self.stock_names) >= self.run.trials:
            raise InputError.of("stock", f"fewer networks than the {self.run.trials} trials", self.stock)
        if self.pool.checkpoint_every is not None and self.evaluator != "train":
            raise InputError.of(
                "checkpoint_every", "a search that trains each network", f"evaluator {self.evaluator}"
            )
        if self.pruner not in pruners():
            raise UnknownNameError("pruner", self.pruner, pruners())
        if self.rungs is not None and self.pruner == "none":
            raise InputError.of("rungs", "a pruner that looks at them (halving, hyperband or median)", "none")
        if self.pruner != "none" and self.evaluator == "supernet":
            raise InputError.of(
                "pruner", "none with a supernet: no network is trained by itself", self.pruner
            )
        if self.rungs is not None and self.evaluator == "table":
            raise InputError.of("rungs", "a search that trains", f"table {self.table and self.table.source}")
        merit = self.objective.partition(",")[0].strip()
        if self.evaluator == "table" and merit in MERITS[1:]:
            raise InputError.of("objective", "the accuracy and costs that a table has", self.objective)
        if self.evaluator == "supernet" and merit == "timed_accuracy":
            raise InputError.of("objective", "a search that trains each network", self.objective)
        if self.cost not in COST_NAMES:
            raise UnknownNameError("cost", self.cost, COST_NAMES)
        if self.prior is not None:
            score_names(self.prior)

    def _check_latency(self) -> None:
        if self.latency_batch < 1:
            raise InputError.of("latency_batch", "a positive whole number", self.latency_batch)
        if self.latency_mode not in LATENCY_MODES:
            raise UnknownNameError("latency_mode", self.latency_mode, LATENCY_MODES)
        if self.measures_latency:
            return
        for name, value, default in (
            ("latency_batch", self.latency_batch, 1),
            ("latency_mode", self.latency_mode, "eager"),
        ):
            if value != default:
                wanted = "a search that measures latency (max_latency, or latency_seconds in the objective)"
                raise InputError.of(name, wanted, value)

    @property
    def stock_names(self) -> tuple[str, ...]:
        """The networks of the zoo that the search is compared with."""
        if self.stock == AUTO:
            fits = self.evaluator == "train" and self.budgets.of_architecture
            return STOCK[: int(STOCK_SHARE * self.run.trials)] if fits else ()
        return () if self.stock == NONE else tuple(self.stock.split(","))

    @property
    def measures_latency(self) -> bool:
        """Whether the latency of each network is measured by a worker."""
        asked = self.budgets.max_latency is not None or "latency_seconds" in self.parsed_objective.costs_used
        return asked and self.evaluator != "table"

    @property
    def small_may_win(self) -> bool:
        """Whether more than the accuracy counts, so that a network far below the budgets may be the better one."""
        objective = self.parsed_objective
        slow_counts = objective.merit == "timed_accuracy" or self.budgets.max_latency is not None
        return bool(objective.costs_used) or slow_counts

    @property
    def parsed_objective(self) -> Objective:
        """The objective as the loop takes it. Raises InputError."""
        target = None if self.target is None else float(self.target)
        return Objective.parse(self.objective, cost=self.cost, target=target, exponent=self.exponent)

    @property
    def smallest_fraction(self) -> float:
        name, _, values = (self.rungs or "").partition("=")
        try:
            rungs = [float(value) for value in values.split(",")] if name.strip() == "fraction" else []
        except ValueError:
            rungs = []  # refused, with what was wanted, when the schedule is made
        return min([*(rung for rung in rungs if rung > 0), self.recipe.fraction])

    @property
    def sampler_name(self) -> str:
        return self.sampler

    def _name(self) -> str:
        if self.table:
            return f"{Path(self.table.source).stem}-{self.sampler}"
        source = f"{space_name(self.space or '')}-{self.images.data.partition(':')[0]}"
        return f"{source}-{self.sampler}"

    def settings(self) -> SearchSettings:
        """What the loop needs of it. Raises InputError for values out of range."""
        return SearchSettings(
            **vars(self.run),
            sampler=self.sampler,
            objective=self.parsed_objective,
            budgets=self.budgets,
            window=self.window,
            pruner=self.pruner,
            repeats=None if self.repeats == AUTO else int(self.repeats),
        )

    def as_dict(self) -> dict[str, Any]:
        """Every key with its value, as it is kept with the study: a written space as JSON, a table as its file."""
        space = None if self.space is None else space_text(self.space)
        table = None if self.table is None else self.table.source
        return super().as_dict() | {"space": space, "table": table}

    @classmethod
    def stored(cls, spec: Mapping[str, Any]) -> Self:
        """The spec that a study keeps; one of before there were repeats or stock networks has none."""
        return super().stored({"repeats": 0, "stock": NONE, **spec})

    @classmethod
    def canonical(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A stored spec in today's form: its written space may have been kept with the words of its file.

        A search that was stored before there were repeats or stock networks has none.
        """
        space = spec.get("space")
        known = {"learn_from": None, "prior": None, "repeats": 0, "stock": NONE, **super().canonical(spec)}
        return known if space is None else {**known, "space": space_text(space_value(space))}


def _repeats(given: object) -> int | str:
    """The number of repeats as a spec keeps it."""
    if given == AUTO:
        return AUTO
    number = int(given) if isinstance(given, str) and given.isdecimal() and len(given) < 10 else given
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InputError.of("repeats", "auto, 0 or a number of trials", given)
    return number


def _stock(given: object) -> str:
    """The stock networks as a spec keeps them. Raises UnknownNameError for a network that is not in the zoo."""
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError.of("stock", f"{AUTO}, {NONE} or names of known networks", given)
    names = [name.strip() for name in names]
    for name in names if names not in ([AUTO], [NONE]) else ():
        if name not in ZOO:
            raise UnknownNameError("stock", name, [AUTO, NONE, *ZOO])
    if not names or len(set(names)) < len(names):
        raise InputError.of("stock", "one or more networks, each once", given)
    return ",".join(names)


def read_spec(path: str | os.PathLike[str] | None, options: Mapping[str, Any] | None = None) -> SearchSpec:
    """The spec of a TOML file (or of none) with ``options`` over it; options that are None count as not given.

    Raises InputError for a file that cannot be read, and UnknownNameError naming an unknown key and the
    nearest there is.
    """
    chosen: dict[str, Any] = {}
    if path is not None:
        document = read_toml(path)
        if isinstance(document.get("table"), dict):
            document["table"] = table_settings(document["table"], path)
        elif "table" in document:
            document["table"] = os.fspath(Path(path).parent / str(document["table"]))
        check_known(SearchSpec, document, f"{os.fspath(path)}: key")
        chosen |= document
    given = {name: value for name, value in (options or {}).items() if value is not None}
    check_known(SearchSpec, options or {})
    return SearchSpec.of(**chosen | given)
