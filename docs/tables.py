"""Writes the tables of the documentation that the code declares: ``python docs/tables.py``."""

from __future__ import annotations

import re
from pathlib import Path

from evaluators.images.sources import SOURCES
from evaluators.init_scores.scores import INIT_SCORES
from results.columns import COLUMNS

DOCS = Path(__file__).parent
TABLES = {
    "results.md": (
        "| column | dtype | unit | meaning |\n|---|---|---|---|\n",
        [f"| `{c.name}` | {c.dtype} | {c.unit or '–'} | {c.meaning} |\n" for c in COLUMNS],
    ),
    "data.md": (
        "| source | what is read |\n|---|---|\n",
        [f"| `{one.usage}` | {one.help} |\n" for one in SOURCES.values()],
    ),
    "evaluators.md": (
        "| `macs`, `params` | the cost itself |\n",
        [f"| `{score.name}` | {score.help} ({score.source}) |\n" for score in INIT_SCORES.values()],
    ),
}
"""Page → (what stands in front of the declared rows, those rows)."""


def renewed(page: str) -> str:
    """The text of a page with its rows as the code declares them."""
    head, rows = TABLES[page]
    text = (DOCS / page).read_text(encoding="utf-8")
    found, count = re.subn(re.escape(head) + r"(?:\|[^\n]*\n)+", lambda _: head + "".join(rows), text)
    assert count == 1, f"{page} has lost its table"
    return found


if __name__ == "__main__":
    for page in TABLES:
        (DOCS / page).write_text(renewed(page), encoding="utf-8")
