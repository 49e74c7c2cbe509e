"""The groups of cases by name, and what must be loaded before the first of them runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.fuzzing import files, texts
from tests.fuzzing.running import Case

GROUPS: dict[str, Callable[[random.Random], Case]] = {
    "spec": texts.spec,
    "options": texts.options,
    "commands": texts.commands,
    "space": texts.space,
    "table": texts.table,
    "where": texts.where,
    "architecture": texts.architecture,
    "names": texts.names,
    "blocks": texts.blocks,
    "budgets": texts.budgets,
    "points": texts.points,
    "npz": files.npz,
    "idx": files.idx,
    "cifar": files.cifar,
    "pictures": files.pictures,
    "database": files.database,
}
CALLS: dict[str, Callable[..., int]] = {"blocks": texts.read_blocks}
"""What is no command: a function that takes the rest of the arguments and returns the exit status."""


def prepare() -> None:
    """Loads what the commands import, so that children begin with it; searches and comparisons end where their workers would begin."""
    import nascale.launch
    import nascale.origin
    from evaluators import data, table_file, training  # noqa: F401
    from nascale import commands  # noqa: F401
    from results import frame  # noqa: F401
    from results.report import report  # noqa: F401
    from search import benchmark, loop, space_statistics, study  # noqa: F401
    from search.samplers.registry import samplers
    from space.errors import RunError

    def would_begin(*_: Any, **__: Any) -> None:
        raise RunError("here the search would begin")

    nascale.launch._make_ready = would_begin
    benchmark.run_samplers = would_begin  # type: ignore[assignment]
    nascale.origin._commit = lambda: None  # git takes longer than all the rest
    all_draws = space_statistics.space_statistics
    space_statistics.space_statistics = lambda cache, seed, draws=20: all_draws(cache, seed, 20)
    samplers()
    files.study_file()
