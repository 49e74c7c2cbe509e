"""Writes the table of columns in docs/results.md anew from the declared figures: ``python docs/columns.py``."""

from __future__ import annotations

import re
from pathlib import Path

from results.columns import markdown

PAGE = Path(__file__).with_name("results.md")


def renewed(text: str) -> str:
    """The page with its table of columns as the code declares them."""
    table = r"(<!-- columns[^\n]*\n\n?\|[^\n]*\n\|[^\n]*\n)(?:\| `[^\n]*\n)+"
    found, count = re.subn(table, lambda match: match[1] + markdown(), text)
    assert count == 1, "the page has lost its table of columns"
    return found


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
