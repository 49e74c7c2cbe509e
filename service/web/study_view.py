"""What the page says of a study: made once for each state of its trials, however many follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from results import failures as failed
from results.columns import COSTS, MEASURED_FIGURES
from results.front import default_axes
from results.networks import Networks, answer
from results.plots import architecture as drawing
from results.plots.axes import Axis, axis
from results.plots.view import View
from results.report import sections
from results.stock import against_stock
from results.studies import StoredStudy, architecture
from space.errors import InputError

if TYPE_CHECKING:
    from service.studies import Studies

_MOST_ROWS = 100
_COLUMNS = tuple(
    name for name in (*COSTS, "latency_seconds") if name in ("params", "macs", "latency_seconds")
)
_DRAWN_UP_TO = 5000
"""Trials from which on the decisions that mattered are left to the report: reckoning them takes long."""


class _Axes(NamedTuple):
    """The axes alone of a view, which holds the trials once more."""

    x: Axis
    y: Axis


def study_parts(studies: Studies, name: str) -> Mapping[str, Any]:
    """Everything on the page of a study that its trials change. Raises UnknownNameError with the nearest names."""
    table = studies.table(name)
    return table.once("the page", lambda: _parts(studies, name, table.frame))


def _parts(studies: Studies, name: str, frame: pd.DataFrame) -> Mapping[str, Any]:
    stored = studies.loaded(name)
    view = sections.front_view(frame)
    told: dict[str, Any] = {
        "axes": None if view is None else _Axes(view.x, view.y),
        "line": _line(stored, frame),
        "running": bool((frame["state"] == "RUNNING").any()),
        "failures": failed.failures(frame),
        "best": None,
    }
    if view is None:
        return told
    bars = view.intervals(view.front)
    members = view.front.head(_MOST_ROWS)
    return told | {
        "best": _best(stored, view),
        "tiles": Markup(sections.tiles(stored, view)),
        "sentences": _sentences(stored),
        "front": Markup(sections.front(view)),
        "noisy": bool((bars == bars).any()) or bool(frame["verified_low"].notna().any()),
        "stock": len(view.stock) > 0,
        "progress": Markup(sections.progress(view)),
        "importance": Markup(sections.importance_bars(view)) if len(frame) <= _DRAWN_UP_TO else "",
        "columns": [axis(c, members[c].dropna().astype("float64")).title for c in _other_columns(view)],
        "rows": _rows(view, members),
        "key": Markup(sections.block_key()),
        "cards": _cards(stored, view),
    }


def _line(stored: StoredStudy, frame: pd.DataFrame) -> str:
    spec = stored.spec
    space = stored.space.get("name") or spec.get("space")
    said = [str(word) for word in (space, *(spec.get(key) for key in ("sampler", "data"))) if word]
    counts = frame["status"].value_counts()
    became = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    return " · ".join([*said, f"{len(frame)} trials{f' ({became})' if became else ''}"])


def _best(stored: StoredStudy, view: View) -> int:
    """The trial that the search names as its best: with repeats, the one whose mean leads."""
    networks = Networks(stored.merit, stored.trials)
    found = answer(networks) if networks.repeated else None
    return found.trial.number if found is not None else int(view.front["number"].iloc[0])


def _sentences(stored: StoredStudy) -> list[str]:
    """How sure the best network is, and how it compares with stock networks."""
    networks = Networks(stored.merit, stored.trials)
    told = []
    found = answer(networks)
    if found is not None and found.error is not None:
        told.append(f"Best network: trial {found.trial.number}, {found.sentence()}.")
    compared = against_stock(networks, stored.trials)
    if compared is not None:
        sentence = compared.sentence()
        told.append(f"{sentence[:1].upper()}{sentence[1:]}.")
    return told


def _other_columns(view: View) -> list[str]:
    shown = {view.x.column, view.y.column}
    return [c for c in _COLUMNS if c not in shown and view.front[c].notna().any()]


def _rows(view: View, members: pd.DataFrame) -> list[dict[str, Any]]:
    """The front as rows of text."""
    named, others, bars = sections.named_members(view), _other_columns(view), view.intervals(members)
    axes = {c: axis(c, members[c].dropna().astype("float64")) for c in others}
    rows = []
    for place, (_, row) in enumerate(members.iterrows()):
        low, high = (float(end) * view.y.scale for end in bars[place])
        rows.append(
            {
                "number": int(row["number"]),
                "word": named.get(int(row["number"]), ""),
                "y": view.y.text(float(row[view.y.column])),
                "x": view.x.text(float(row[view.x.column])),
                "noise": f"{view.y.text(low)} to {view.y.text(high)}" if low == low else "–",
                "others": ["–" if pd.isna(row[c]) else axes[c].text(float(row[c])) for c in others],
                "key": str(row["key"])[:10],
            }
        )
    return rows


def _cards(stored: StoredStudy, view: View) -> list[dict[str, Any]]:
    """The members of the front that stand out, drawn; none where the study holds no networks."""
    named, cards = sections.named_members(view), []
    for _, row in view.front.iterrows():
        number = int(row["number"])
        if number not in named:
            continue
        try:
            network = architecture(stored.name, number, stored.storage)
        except InputError:
            return []
        cards.append(
            {
                "number": number,
                "word": named[number],
                "line": sections.summary_line(row, view),
                "drawing": Markup(drawing.svg(network, embedded=True)),
            }
        )
    return cards


def figures_of(frame: pd.DataFrame, number: int) -> list[tuple[str, str]]:
    """(what, value) of a trial's figures, the objectives first; [] where the trial is not there."""
    row = frame.loc[frame["number"] == number]
    if row.empty:
        return []
    columns = dict.fromkeys(
        [*default_axes(frame), "accuracy", *MEASURED_FIGURES, *COSTS, "epochs", "seconds"]
    )
    first = row.iloc[0]
    from results.plots.axes import title

    return [
        (title(c), sections.value_text(c, float(first[c])))
        for c in columns
        if c in frame and pd.notna(first[c])
    ]
