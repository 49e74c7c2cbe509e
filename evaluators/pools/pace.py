"""How long a trial may take that was given no limit: ten times as long as the slowest trial so far, for its MACs.

A worker that hangs (stopped, or waiting for a disk that is gone) is told from one that works by what others took. All
trials of a search see as many images, so their time goes by the network's MACs; the margin is for what does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from evaluators.evaluator import ONE_LEVEL, Candidate, FidelitySchedule
from space.cost import costs

MARGIN = 10.0
LEAST_SECONDS = 300.0
"""However fast the others were: a machine that is busy with something else for a while is none that hangs."""


def work_of(candidate: Candidate) -> float:
    """The MACs of the candidate's network; 1 where there is only a table's row."""
    return 1.0 if candidate.architecture is None else float(costs(candidate.architecture).macs)


@dataclass
class Pace:
    """What trials took, in seconds for each MAC of a whole trial of ``schedule``. ``limit`` is what was asked for.

    A ``limit`` of 0 is none, None one that is found by the trials.
    """

    limit: float | None
    schedule: FidelitySchedule = ONE_LEVEL
    _slowest: float = field(default=0.0, init=False)
    _work: dict[str, float] = field(default_factory=dict, init=False)

    def _work_of(self, candidate: Candidate) -> float:
        """The candidate's work, counted once for each network."""
        if candidate.key not in self._work:
            self._work[candidate.key] = work_of(candidate)
        return self._work[candidate.key]

    def measured(self, candidate: Candidate, level: int, seconds: float) -> None:
        """Takes in that a trial came to its ``level``-th measurement ``seconds`` after it was begun."""
        if self.limit is not None or level < 1:
            return
        # Each level of a schedule that restarts is a training of another length: only the whole trial can be compared.
        share = level / self.schedule.levels
        if share >= 1 or not self.schedule.restarts:
            self._slowest = max(self._slowest, seconds / (min(1.0, share) * self._work_of(candidate)))

    def seconds(self, candidate: Candidate) -> float | None:
        """Seconds after which a trial of ``candidate`` is taken to hang; None as long as nothing says how many."""
        if self.limit is not None:
            return self.limit or None
        if not self._slowest:
            return None
        return max(LEAST_SECONDS, MARGIN * self._slowest * self._work_of(candidate))

    def sentence(self) -> str:
        """What the limit is, for the user."""
        if self.limit is not None:
            return f"a trial may take {self.limit:g} s" if self.limit else "a trial may take any time"
        return (
            f"a trial that takes {MARGIN:g} times as long as the slowest before it for its MACs, and at least "
            f"{LEAST_SECONDS / 60:g} min, is taken to hang and begun again (--trial-timeout)"
        )
