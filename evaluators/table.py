"""A table of results as an evaluator: looked up exactly, or answered by a model fitted to its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, ClassVar

import numpy as np

from evaluators.evaluator import Candidate, Evaluator, Measurement, StopFlag
from evaluators.surrogate import Surrogate
from evaluators.table_settings import TableSettings
from evaluators.table_space import ABSENT
from space.errors import RunError
from space.search_space import Decisions, Option, SearchSpace


@dataclass(frozen=True, eq=False)
class TableEvaluator(Evaluator):
    """Looks results up at once, without training; ``evaluators.table_file`` makes one of a file.

    ``accuracies`` has shape (rows, seeds) and holds fractions, nan where a row has fewer seeds than others; ``truths``
    has shape (rows,); ``index`` maps option positions to a row. With a ``surrogate`` it answers for every assignment, otherwise for its rows only.
    """

    settings: TableSettings
    space: SearchSpace
    rows: tuple[tuple[int, ...], ...]
    accuracies: np.ndarray[Any, np.dtype[np.float64]]
    truths: np.ndarray[Any, np.dtype[np.float64]]
    cost_columns: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    keys: tuple[str, ...] | None
    checksum: str
    surrogate: Surrogate | None = None
    index: Mapping[tuple[int, ...], int] = field(default_factory=dict)

    instant: ClassVar[bool] = True

    @property
    def partial(self) -> bool:
        """Whether some assignments of the space have no answer."""
        return self.surrogate is None and len(self.rows) < self.space.size

    def position(self, decisions: Mapping[str, Option]) -> tuple[int, ...]:
        """Option positions of an assignment, ABSENT for decisions that are not active."""
        return tuple(
            d.index(decisions[d.name]) if d.name in decisions else ABSENT for d in self.space.decisions
        )

    def knows(self, decisions: Mapping[str, Option]) -> bool:
        """Whether there is an answer for these decisions."""
        return self.surrogate is not None or self.position(decisions) in self.index

    def assignments(self) -> list[Decisions]:
        """The assignments of the rows."""
        return [
            {d.name: d.options[i] for d, i in zip(self.space.decisions, row, strict=True) if i != ABSENT}
            for row in self.rows
        ]

    def key(self, decisions: Mapping[str, Option]) -> str | None:
        """The key of the row, if the table has a column for it."""
        row = self.index.get(self.position(decisions)) if self.keys is not None else None
        return self.keys[row] if self.keys is not None and row is not None else None

    def costs(self, decisions: Mapping[str, Option]) -> dict[str, float]:
        """The costs that the table has columns for; integers if the column holds integers."""
        position = self.position(decisions)
        if self.surrogate is not None:
            return self.surrogate.costs(position)
        row = self.index[position]
        return {name: _plain(column[row]) for name, column in self.cost_columns.items() if name != "seconds"}

    def truth(self, decisions: Mapping[str, Option]) -> float:
        """The accuracy without noise: the truth column, the mean over seeds, or the model's answer."""
        position = self.position(decisions)
        if self.surrogate is not None:
            return self.surrogate.accuracy(position)
        return float(self.truths[self.index[position]])

    def expected(self, decisions: Mapping[str, Option]) -> float:
        """The mean of the accuracies that may be observed."""
        position = self.position(decisions)
        if self.surrogate is not None:
            return self.surrogate.accuracy(position)
        return float(np.nanmean(self.accuracies[self.index[position]]))

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        """One measurement, of the seed that is ``drawn``. Raises RunError without a row, or without a seed left."""
        position = self.position(candidate.decisions)
        if self.surrogate is not None:
            accuracy = truth = self.surrogate.accuracy(position)
            seconds = 0.0
        else:
            row = self.index.get(position)
            if row is None:
                raise RunError(f"the table has no row for {dict(candidate.decisions)}")
            accuracy = self.observed(row)[self.drawn(candidate)]
            truth = float(self.truths[row])
            seconds = float(self.cost_columns["seconds"][row]) if "seconds" in self.cost_columns else 0.0
        yield Measurement(1, accuracy, None, seconds, {"truth": truth})

    def observed(self, row: int) -> list[float]:
        """The accuracies of a row, one for each of its seeds."""
        return [value for value in self.accuracies[row].tolist() if value == value]

    def measurements(self, decisions: Mapping[str, Option]) -> int | None:
        """As many as the row has seeds; a surrogate has no noise."""
        if self.surrogate is not None:
            return 1
        return len(self.observed(self.index[self.position(decisions)]))

    def drawn(self, candidate: Candidate) -> int:
        """Which of its row's seeds a candidate is given: drawn for each network and seed, repeats without replacement.

        Raises RunError where all were drawn.
        """
        seeds = len(self.observed(self.index[self.position(candidate.decisions)]))
        if candidate.repeat >= seeds:
            raise RunError(
                f"the table has {seeds} measurements of this network, no repeat {candidate.repeat}"
            )
        stream = replace(candidate, repeat=0).stream
        # Repeat 0 is what a search without repeats draws.
        first, rest = stream % seeds, list(range(seeds))
        del rest[first]
        Random(stream).shuffle(rest)
        return [first, *rest][candidate.repeat]

    def describe(self) -> dict[str, Any]:
        """The table, its checksum and, for a surrogate, how well it fits."""
        told: dict[str, Any] = {
            "evaluator": "table",
            "table": self.settings.path.name,
            "lookup": self.settings.lookup,
            "rows": len(self.rows),
            "checksum": self.checksum,
        }
        if self.surrogate is not None:
            told["surrogate"] = self.surrogate.scores
        return told

    @property
    def fidelity(self) -> dict[str, Any]:
        """How an answer is found."""
        return {"lookup": self.settings.lookup}

    def summary(self) -> str | None:
        """How well the surrogate fits rows that it did not see."""
        if self.surrogate is None:
            return None
        scores = self.surrogate.scores["accuracy"]
        return (
            f"surrogate, held-out rows: R² {scores['r2']:.3f}, Spearman {scores['spearman']:.3f}, "
            f"RMSE {100 * scores['rmse']:.2f} points"
        )


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else float(value)
