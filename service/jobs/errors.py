"""What the store of jobs refuses."""

from __future__ import annotations

from space.errors import InputError, quoted


class NoSuchJob(InputError, LookupError):
    """There is no job of that id."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job: wanted the id of a job, got: {quoted(job)}")


class KeyTaken(InputError):
    """The idempotency key was used for another request; ``differing`` names the keys in which that differs."""

    def __init__(self, job: str, differing: tuple[str, ...]) -> None:
        super().__init__(
            f"idempotency key: wanted a new one for another request, got: that of job {job}, which differs in "
            f"{', '.join(differing)}"
        )
        self.job, self.differing = job, differing


class QueueFull(InputError):
    """So many jobs wait that no more are taken."""

    def __init__(self, waiting: int, most: int) -> None:
        super().__init__(f"queue: wanted at most {most} waiting jobs, got: one more ({waiting} wait)")


class WrongState(InputError):
    """The job's state does not allow it."""

    def __init__(self, job: str, wanted: str, state: str) -> None:
        super().__init__(f"job {job}: wanted one that {wanted}, got: one that is {state}")
