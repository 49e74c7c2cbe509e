"""Long names in little room."""

from __future__ import annotations


def shortened(text: str, most: int = 40) -> str:
    """``text`` with its middle left out where it is longer than ``most``: both ends tell names apart."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
