"""Which space has the better networks: random members of each, within the budgets, trained alike and kept as studies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nascale.spec import NONE, SearchSpec
from results.error_distribution import ErrorDistribution
from space.errors import InputError

if TYPE_CHECKING:
    from search.progress import Progress


@dataclass(frozen=True)
class MeasuredSpace:
    """A space by the errors of its random networks. ``share`` is that of networks within all budgets; ``seconds`` those of training.

    ``failed`` networks gave no accuracy: their error counts as 1.
    """

    name: str
    errors: ErrorDistribution
    share: float | None
    failed: int
    seconds: float

    def row(self, first: MeasuredSpace) -> dict[str, Any]:
        """The space as a row of a table, with its median compared with that of the ``first`` one."""
        above = self.errors.median_above(first.errors)
        told = {"space": self.name, "share_within": self.share, **self.errors.figures()}
        if self is not first:
            told |= {
                "median_above_first": above.value,
                "above_low": above.low,
                "above_high": above.high,
            }
        return {**told, "failed": self.failed, "seconds": self.seconds}


def specs(
    spaces: Sequence[str], study: str, networks: int, settings: dict[str, Any]
) -> dict[str, SearchSpec]:
    """Space → the search that trains ``networks`` random members of it. Raises InputError for a space that is named twice."""
    if len(set(spaces)) < len(spaces):
        raise InputError.of("SPACE", "each space once", ", ".join(spaces))
    given = {name: value for name, value in settings.items() if value is not None}
    return {
        space: SearchSpec.of(
            **given,
            space=space,
            study=f"{study}-{space.rpartition('/')[2].removesuffix('.toml')}",
            sampler="random",
            trials=networks,
            repeats=0,
            stock=NONE,
        )
        for space in spaces
    }


def measured(
    name: str,
    spec: SearchSpec,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda text: None,
) -> MeasuredSpace:
    """Trains the random networks of one space, or goes on with that; see ``nascale.launch``.

    Raises InputError where fewer than two of them can be compared.
    """
    from nascale.launch import prepare, run

    prepared = prepare(spec)
    outcome = run(prepared, report, say)
    shares = prepared.statistics.shares
    share = shares.get("all budgets", min(shares.values(), default=None))
    found = [
        trial for trial in outcome.store.results() if trial.status.finished and trial.feasible is not False
    ]
    failed = sum(trial.status.failed for trial in found)
    errors = [1.0 - trial.accuracy if trial.accuracy is not None else 1.0 for trial in found]
    if len(errors) < 2:
        raise InputError.of("networks", f"two or more of space {name} that were trained", len(errors))
    seconds = sum(trial.seconds or 0.0 for trial in found)
    return MeasuredSpace(name, ErrorDistribution.of(errors), share, failed, seconds)
