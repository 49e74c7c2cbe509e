"""What ``nascale auto`` is asked, as one value: a search whose length the time decides, and the trainings after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.full_recipe import AUTO_AUGMENTS, FullRecipe
from evaluators.recipe import Recipe
from nascale.auto_run.plan import LEAST
from nascale.keys import converted
from nascale.quantities import human_seconds
from nascale.spec import SearchSpec, read_spec
from nascale.transfer import with_storages
from results.storage_url import default_storage, redacted, storage_url
from space.errors import InputError
from space.setting import declared

STUDY, DATABASE = "auto", "study.db"
MEASURED = "measured"
DECIDED = frozenset(
    {"study", "storage", "evaluator", "table", "trials", "max_seconds", "max_epochs", "cpus_per_trial"}
)
"""Settings of a search that the command decides itself."""
_OF_SEARCH_ALONE = frozenset({"epochs", "fraction", "train_resolution", "train_width"})
"""Settings of the recipe that make the trainings of the search short, and do not go for the full ones."""
FOR_ALL_TRAININGS = frozenset(declared(Recipe)) & frozenset(declared(FullRecipe)) - _OF_SEARCH_ALONE
"""Settings that, where they are given, go for the search and for the full trainings, which have defaults of their own."""
_DETAIL = (224, 300e6)
"""A side in pixels, and MACs for which it is usual: those of MobileNetV2."""
_FREE = frozenset({"workers", "retries", "trial_timeout", "max_failures", "gpus_per_trial", "ray_address"})
"""Settings with which it may go on at other values."""


SEARCHED = "timed_accuracy"
"""What the search maximises where no objective was asked for."""


@dataclass(frozen=True)
class AutoSpec:
    """``given`` are the settings that were asked for; ``threads`` the processors of each worker.

    ``auto_augment`` is that of the full trainings, or MEASURED where the last of them get what short ones say.
    ``trained_validation`` is the share of the validation images that the last ones learn from; None for the usual one where
    there are test images.
    """

    search: SearchSpec
    given: Mapping[str, Any]
    within: float
    out: Path
    threads: int
    auto_augment: str = MEASURED
    trained_validation: float | None = None

    @property
    def request(self) -> dict[str, Any]:
        """What must be the same to go on; it is kept in a file, without passwords."""
        kept = {name: value for name, value in self.given.items() if name not in _FREE}
        if "learn_from" in kept:
            kept["learn_from"] = redacted(kept["learn_from"])
        chosen: dict[str, Any] = {}
        if self.auto_augment != MEASURED:
            chosen["auto_augment"] = self.auto_augment
        if self.trained_validation is not None:
            chosen["trained_validation"] = self.trained_validation
        return {"within": self.within, "threads": self.threads, **chosen, **kept}

    @property
    def training_options(self) -> dict[str, Any]:
        """The options of the full trainings."""
        search = self.search
        return {
            "data": search.images.data,
            "validation": search.images.validation,
            "skip_bad": search.images.skip_bad,
            "seed": search.run.seed,
            "split_seed": search.run.seed,
            "threads": self.threads,
            **({} if self.auto_augment == MEASURED else {"auto_augment": self.auto_augment}),
            **{name: value for name, value in self.given.items() if name in FOR_ALL_TRAININGS},
        }


def auto_spec(
    options: Mapping[str, Any],
    *,
    within: float,
    out: Path,
    threads: int | None,
    auto_augment: str = MEASURED,
    trained_validation: float | None = None,
) -> AutoSpec:
    """The spec of these options, of which None counts as not given. Raises InputError for what cannot be used."""
    known = declared(SearchSpec)
    for name in DECIDED & options.keys():
        raise InputError.of(name, "none, as auto decides it itself", options[name])
    # As numbers, however they were written: the same request goes on.
    given = {
        name: converted(known[name], value) if name in known else value
        for name, value in options.items()
        if value is not None
    }
    if "data" not in given:
        raise InputError.of("--data", "the images to train on", None)
    if within < LEAST:
        raise InputError.of("--within", f"{human_seconds(LEAST)} or more", human_seconds(within))
    if threads is not None and threads < 1:
        raise InputError.of("--threads", "a positive whole number", threads)
    each = threads or 1
    if auto_augment not in (MEASURED, *AUTO_AUGMENTS):
        raise InputError.of("--auto-augment", f"one of {', '.join((MEASURED, *AUTO_AUGMENTS))}", auto_augment)
    if trained_validation is not None and not 0 <= trained_validation < 1:
        raise InputError.of("--trained-validation", "a share in [0, 1)", trained_validation)
    workers = given.get("workers", max(1, _processors() // each))
    if workers < 1:
        raise InputError.of("--workers", "1 or more", workers)
    decided: dict[str, Any] = {
        # What comes after the search gives all networks the same time.
        "objective": given.get("objective", SEARCHED),
        "study": STUDY,
        "storage": storage_url(out / DATABASE),
        "workers": workers,
        "cpus_per_trial": float(each),
    }
    if "learn_from" in given:
        # The study of this search is the only one in its database.
        decided["learn_from"] = with_storages(given["learn_from"], default_storage())
    search = read_spec(None, {**given, **decided})
    if search.resolution is None:
        search = search.replace(resolution=_resolution(search))
    if not search.budgets.of_architecture:
        wanted = "a budget on the network: --max-macs, --max-flops, --max-params or --max-memory"
        raise InputError.of("--max-macs", wanted, "none of them")
    return AutoSpec(search, given, within, out, each, auto_augment, trained_validation)


def _resolution(search: SearchSpec) -> int | None:
    """The side of the networks' images where none was asked for: the data's, or what suits the budget of MACs where that is less.

    Compound scaling gives the resolution a quarter of the logarithm of the MACs or a little more (Tan and Le 2019); so much is
    taken from MobileNetV2's.
    """
    from evaluators.images.sources import open_source

    macs = search.budgets.max_macs
    if macs is None:
        return None
    side = min(
        open_source(
            search.images.data, skip_bad=search.images.skip_bad, max_bytes=search.images.max_image_bytes
        ).shape[:2]
    )
    pixels, usual = _DETAIL
    suited = 8 * max(3, round(pixels * (macs / usual) ** 0.25 / 8))
    return suited if suited < side else None


def _processors() -> int:
    """Those that this process may use, within the limits of its container."""
    from evaluators.machine import cpus

    return cpus()
