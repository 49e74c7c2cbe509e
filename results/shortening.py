"""Long names in little room, and strange ones on a line of the terminal."""

from __future__ import annotations


def shortened(text: str, most: int = 40) -> str:
    """``text`` with its middle left out where it is longer than ``most``: both ends tell names apart."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def printable(text: str) -> str:
    """``text`` as a terminal may show it: control characters, such as escape codes and line ends, are written out.

    Letters of another direction and others that are never seen by themselves are written out too.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
