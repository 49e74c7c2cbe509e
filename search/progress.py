"""Where a search stands, in numbers: what a progress line shows and what decides when a search ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from results.networks import Networks, leader
from results.trial_result import Status, TrialResult


@dataclass
class Progress:
    """Where a search stands. ``seconds`` and ``new`` (finished trials) are of this run, the rest of the study.

    ``merit`` is the figure of a trial (one of ``MERITS``) by which the ``best`` is chosen; ``unit`` is what is counted.
    ``repeats`` are the trials that measured a network again, and ``networks`` what all of them say together; ``stock`` are the
    finished trials of stock networks, none of which is the ``best``. ``max_seconds`` of this run and ``max_epochs`` of the study
    end it earlier than ``total`` trials.
    """

    total: int
    merit: str = "accuracy"
    unit: str = "trials"
    finished: int = 0
    running: int = 0
    reused: int = 0
    repeats: int = 0
    pruned: int = 0
    failed: int = 0
    infeasible: int = 0
    epochs: int = 0
    new: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    max_seconds: float | None = None
    max_epochs: int | None = None
    stock: list[TrialResult] = field(default_factory=list)
    networks: Networks = field(init=False)
    _best: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.networks = Networks(self.merit)

    @property
    def best(self) -> TrialResult | None:
        """The trial that first measured the feasible network that leads: see ``results.networks.leader``."""
        at = self._leader
        return None if at is None else self.networks.first[at]

    @property
    def best_accuracy(self) -> float | None:
        """The mean accuracy (or other merit) of the best network."""
        at = self._leader
        return None if at is None else self.networks.means[at]

    @property
    def _leader(self) -> int | None:
        return leader(self.networks) if self.networks.repeated else self._best

    def seconds_left(self, rate: float) -> float:
        """How long it will go on where ``rate`` trials a second end: to the last trial, or to a limit that comes first."""
        left = float(max(0, self.total - self.finished))
        if self.max_epochs is not None and self.epochs:
            each = self.epochs / self.finished
            left = min(left, max(0, self.max_epochs - self.epochs) / each)
        seconds = left / rate
        if self.max_seconds is not None:
            seconds = min(seconds, max(0.0, self.max_seconds - self.seconds))
        return seconds

    def count(self, result: TrialResult) -> None:
        """Takes a finished trial in."""
        status, infeasible = result.status, result.feasible is False
        self.finished += 1
        self.reused += status is Status.REUSED
        self.repeats += result.repeat_of is not None
        self.pruned += status.state == Status.PRUNED.state and not infeasible
        self.failed += status.failed
        self.infeasible += infeasible and not status.failed
        if result.measured_by is None:
            self.epochs += result.epochs or 0
        if result.stock is not None:
            self.stock.append(result)
        known = len(self.networks)
        self.networks.add(result)
        if len(self.networks) > known and (
            self._best is None or self._score(known) > self._score(self._best)
        ):
            self._best = known

    def _score(self, at: int) -> float:
        return self.networks.means[at] * self.networks.factors[at]
