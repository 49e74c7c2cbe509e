"""Workers that the kernel kills because memory has run out: told from those that crash by the kernel's own count.

It kills without a word, and Ray only sees that a process is gone. But it counts what it kills, for each control group and
for the machine. A worker of this machine that dies while the count rises was killed so: by the machine's fault, unless the
worker itself held more than it may.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from evaluators import machine
from evaluators.evaluator import Failure
from evaluators.pools.faults import Blame, Fault
from results.trial_result import Status

WITHIN_SECONDS = 5.0
"""How long before a worker is seen to be dead the kernel may have killed it."""


class KernelKills:
    """Told now and then which processes the workers of this machine are, it says whether one that died was killed so.

    ``limit_bytes`` is what a worker may allocate, None where nothing limits it. ``count`` gives the kernel's count
    (``machine.kernel_kills``), None where it has none. Times are of ``time.monotonic``.
    """

    def __init__(self, limit_bytes: int | None, count: Callable[[], int | None] | None = None) -> None:
        self._limit = limit_bytes
        self._count = machine.kernel_kills if count is None else count
        self._looks: deque[tuple[float, int]] = deque()
        self._held: dict[int, int] = {}

    def look(self, moment: float, pids: Iterable[int]) -> None:
        """Takes note of the kernel's count and of what each worker holds."""
        count = self._count()
        if count is None:
            return
        self._looks.append((moment, count))
        # One from before is kept: it is what the count had been until then.
        while len(self._looks) > 1 and self._looks[1][0] < moment - WITHIN_SECONDS:
            self._looks.popleft()
        self._held = {pid: max(_held(pid), self._held.get(pid, 0)) for pid in pids}

    def cause(self, pid: int | None, died: Failure | Fault) -> Failure | Fault:
        """What the death of a worker stands for: ``died``, unless the kernel has just killed a process of ours more than is
        accounted for."""
        count = self._count()
        if count is None or not self._looks or count <= self._looks[0][1]:
            return died
        # This one is accounted for.
        self._looks = deque((moment, before + 1) for moment, before in self._looks)
        held = 0 if pid is None else self._held.get(pid, 0)
        if held > (self._limit or (machine.memory_bytes() or 0) / 2) > 0:
            return Failure(Status.OOM, f"was killed by the kernel with {held / 2**30:.2f} GB")
        return Fault(Blame.MACHINE, "was killed by the kernel because memory had run out")


def _held(pid: int) -> int:
    """Bytes of its own that a process has in memory; 0 where it is gone, or the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    own = (line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:"))
    return 1024 * int(next(own, "0"))
