"""The errors of nascale: one root, and leaves that are also built-in kinds.

    NascaleError
    ├── InputError        (ValueError)   an argument, a file or a spec that cannot be used: exit status 2
    │   ├── ShapeError                   an architecture whose tensors do not fit together
    │   ├── UnknownNameError (also LookupError)  a name that is not there; carries the nearest ones
    │   └── BudgetError                  a budget that no architecture can meet
    └── RunError          (RuntimeError) a valid request that failed: exit status 1

Every message is one line that names the argument, what was wanted and what came; a long value is shortened.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_VALUE = 240
_LONGEST_NAME = 80


class NascaleError(Exception):
    """Root of every error that nascale raises on purpose."""


class InputError(NascaleError, ValueError):
    """An argument, a file or a spec that cannot be used."""

    @classmethod
    def of(cls, argument: str, wanted: str, came: object) -> InputError:
        """The error in the common form ``argument: wanted …, got …``."""
        return cls(f"{argument}: wanted {wanted}, got {quoted(came)}")


class ShapeError(InputError):
    """An architecture whose tensors do not fit together."""


class BudgetError(InputError):
    """A budget that no architecture can meet."""


class UnknownNameError(InputError, LookupError):
    """A name that is not there; the message offers the nearest ones, or all of them when few."""

    def __init__(self, argument: str, name: object, known: Iterable[str]) -> None:
        names = sorted(str(one)[:_LONGEST_NAME] for one in known)
        # Matching takes time that grows with the square of the length.
        near = difflib.get_close_matches(str(name)[:_LONGEST_NAME], names, n=3, cutoff=0.5)
        if near:
            hint = f"nearest: {', '.join(near)}"
        elif len(names) <= 12:
            hint = f"known: {', '.join(names) or 'none'}"
        else:
            hint = f"{len(names)} names are known, from {names[0]} to {names[-1]}"
        super().__init__(f"{argument}: no such name {quoted(str(name))} ({hint})")
        self.nearest = tuple(near)


class RunError(NascaleError, RuntimeError):
    """Work that was well asked for and failed."""


def quoted(value: object) -> str:
    """``value`` as messages quote it: its repr, in printable letters, with the middle left out where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python prints no whole number of more than 4,300 digits
        return f"a {type(value).__name__} that is too large to print"
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[: _LONGEST_VALUE - 60]} … {text[-50:]}"
