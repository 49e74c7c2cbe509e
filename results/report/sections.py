"""Parts of a page about a study, as HTML text: the report has them, and so has the page of the service.

They take their colours from the style sheet (``page.chart_style``), hold no style and no script of their own, and escape
every name.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import pandas as pd

from results.columns import COSTS, MEASURED_FIGURES
from results.front import eligible
from results.importance import importance
from results.plots import architecture as drawing
from results.plots.axes import axis, count, lowered, title
from results.plots.view import View
from results.report import charts
from results.studies import StoredStudy
from results.trial_result import FINISHED, Status, TrialResult
from space.architecture import Architecture
from space.codec import from_dict
from space.errors import InputError

_LARGE, _SMALL = ((700, 480), (380, 380)), ((560, 300), (380, 260))


def front_view(frame: pd.DataFrame, x: str | None = None, y: str | None = None) -> View | None:
    """The front to show; None where no trial has finished. An axis asked for must be there all the same."""
    try:
        view = View.of(frame, x, y)
    except InputError:
        if x or y:
            raise
        return None
    return view if len(view.front) else None


def value_text(column: str, value: float) -> str:
    """One value of a column for the eye, with its unit."""
    return axis(column, [float(value)]).text(float(value))


def tiles(study: StoredStudy, view: View) -> str:
    """The study in a few large figures."""
    best = view.front.iloc[0]
    frame = view.frame
    finished = int(frame["status"].isin(FINISHED).sum())
    told = [
        (
            value_text(view.y.column, best[view.y.column]),
            f"best {view.y.title.lower()}, trial {best['number']}",
        ),
        *(
            (count(float(best[c])), f"{title(c)} of the best")
            for c in ("macs", "params")
            if pd.notna(best[c])
        ),
        (str(len(view.front)), "networks on the front"),
        (str(finished), f"trials finished of {study.spec.get('trials', len(frame))}"),
        (str(int((frame["status"] == Status.REUSED).sum())), "cache hits"),
    ]
    spent = float(frame["seconds"].sum())
    if spent > 0:
        told.append((value_text("seconds", spent), "spent on evaluation"))
    body = "".join(f'<div class="tile"><b>{escape(v)}</b><span>{escape(w)}</span></div>' for v, w in told)
    return f'<div class="tiles">{body}</div>'


def front(view: View) -> str:
    """The chart of the front."""
    return _both(charts.front_chart, view, *_LARGE)


def _both(draw: Callable[..., str], view: View, wide: tuple[int, int], narrow: tuple[int, int]) -> str:
    """A chart in two shapes, of which the style sheet shows the one that suits the window."""
    return draw(view, *wide, "wide") + draw(view, *narrow, "narrow")


def progress(view: View) -> str:
    """The best so far and the hypervolume against the trials, side by side."""
    return (
        f'<p class="quiet">Reference of the hypervolume: {escape(view.reference_text)}, the worst'
        " of the finished trials.</p>"
        f'<div class="pair"><div>{_both(charts.progress_chart, view, *_SMALL)}</div>'
        f"<div>{_both(charts.hypervolume_chart, view, *_SMALL)}</div></div>"
    )


def importance_bars(view: View) -> str:
    """The ten decisions that explain most, as bars; empty where there is nothing to tell."""
    if view.frame.loc[eligible(view.frame), view.y.column].nunique() < 2:
        return ""
    table = importance(view.frame, view.y.column).head(10)
    table = table[table["importance"] > 0]
    if table.empty:
        return ""
    largest = float(table["importance"].max())
    rows = "".join(
        f'<span class="name">{escape(name)}</span><svg class="track" aria-hidden="true">'
        f'<rect class="fill{"" if share > noise else " chance"}" width="{100 * share / largest:.1f}%" height="12" rx="2"/></svg>'
        f'<span class="quiet best">{100 * share:.1f} %, best: {escape(str(best))}</span>'
        for name, share, noise, best in table[["decision", "importance", "noise", "best"]].itertuples(
            index=False, name=None
        )
    )
    return (
        f'<p class="quiet">Share of the variance of {escape(view.y.title.lower())} that each decision explains on its'
        f' own (ω²); grey is no more than chance.</p><div class="bars">{rows}</div>'
    )


def named_members(view: View) -> dict[int, str]:
    """Number → word for the members of the front that stand out: the best, the knee and the cheapest."""
    numbers = view.front["number"].tolist()
    return {numbers[row]: word.capitalize() for row, word in view.named_members().items()}


def summary_line(row: pd.Series, view: View) -> str:
    """The two axes and the parameters of a network in a line."""
    columns = dict.fromkeys((view.y.column, view.x.column, "params"))
    known = [
        (value_text(c, row[c]), lowered(title(c)) if c in COSTS else "") for c in columns if pd.notna(row[c])
    ]
    return ", ".join(f"{value} {words}".rstrip() for value, words in known)


def block_key() -> str:
    """What the colours of a drawn network mean."""
    types = [n for n in drawing.COLORED if n != "other"]
    key = "".join(
        f'<span><svg class="key" aria-hidden="true"><rect class="block-{n}" width="10" height="10" rx="2"/></svg>{n}</span>'
        for n in types
    )
    return f'<p class="legend quiet">{key}<span>bars: MACs</span></p>'


def network_of(trial: TrialResult) -> Architecture | None:
    """The network of a trial; None where the study holds none."""
    return None if trial.architecture is None else from_dict(trial.architecture)


def figures_of(row: pd.Series, view: View) -> list[tuple[str, str]]:
    """(what, value) of one trial, the axes first."""
    columns = dict.fromkeys(
        [view.y.column, view.x.column, "accuracy", *MEASURED_FIGURES, *COSTS, "epochs", "seconds"]
    )
    known = [(c, float(row[c])) for c in columns if pd.notna(row[c])]
    return [(title(c), value_text(c, v)) for c, v in known]
