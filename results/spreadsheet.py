"""Text in csv files that a spreadsheet must not take for a formula, and back.

A cell that begins with ``=``, ``+``, ``-`` or ``@`` is calculated when the file is opened, and may call programs (OWASP,
"CSV injection"). An apostrophe in front makes it text, as one writes it by hand.
"""

from __future__ import annotations

from typing import Any

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def as_text(value: Any) -> Any:
    """``value`` as a cell: text that would be a formula gets an apostrophe; numbers stay, those in text too."""
    return f"'{value}" if _is_formula(value) else value


def of_text(value: Any) -> Any:
    """What ``as_text`` was given."""
    is_marked = isinstance(value, str) and value.startswith("'") and _is_formula(value[1:])
    return value[1:] if is_marked else value


def _is_formula(value: Any) -> bool:
    """Whether the text begins like one, behind any apostrophes, so that ``of_text`` takes off the right number of them."""
    if not isinstance(value, str) or not value.lstrip("'").startswith(_BEGINNINGS):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False
