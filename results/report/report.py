"""One HTML file about a study that opens anywhere: no network, no second file, readable without its script.

The interactive front shows the network under the pointer; progress, importance, the best networks, the
winner scaled up, and what is needed to run the search again follow below it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from results import pareto
from results.columns import COSTS, DECISION, MEASURED_FIGURES
from results.frame import trials
from results.front import eligible, stock_rows
from results.importance import importance
from results.networks import Networks
from results.plots import architecture as drawing
from results.plots.axes import axis, count, lowered, title
from results.plots.view import View
from results.provenance import facts
from results.report import charts, page
from results.stock import against_stock
from results.studies import Storage, StoredStudy, load
from results.trial_result import FINISHED, Status, TrialResult
from space.architecture import Architecture
from space.codec import from_dict
from space.cost import costs
from space.errors import InputError
from space.scaling import compound

_DETAILED = 400  # trials beyond the front whose blocks are listed under the pointer
_DRAWN = 24  # members of the front that are drawn under the pointer
_PHIS = (0, 1, 2, 3)


Repeat = Callable[[str, Mapping[str, Any]], str]
"""Name and stored spec of a study → the command that repeats its search."""


def write_report(
    study: str,
    storage: Storage = None,
    *,
    x: str | None = None,
    y: str | None = None,
    repeat: Repeat | None = None,
) -> str:
    """The report of a stored study as HTML text. Raises as ``results.studies.load`` and ``View.of`` do."""
    return report(load(study, storage, architectures=True), x=x, y=y, repeat=repeat)


def report(
    study: StoredStudy, *, x: str | None = None, y: str | None = None, repeat: Repeat | None = None
) -> str:
    """The report of a study that was loaded with its architectures, as HTML text.

    ``repeat`` words the command that repeats the search; without it the report does not show one.
    """
    frame = trials(study)
    view = _view(frame, x, y)
    sections = [_header(study, frame)]
    if view is None:
        sections.append("<p>No finished trial yet: there is no front to show.</p>")
    else:
        sections += [
            _tiles(study, view),
            _front(study, view),
            _progress(view),
            _importance(view),
            _networks(study, view),
            _family(study, view),
            _table(view),
        ]
    sections.append(_again(study, repeat(study.name, study.spec) if repeat and study.spec else ""))
    data = {} if view is None else _details(study, view)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(study.name)} · nascale</title><style>{page.style()}</style></head><body><main>"
        f"{''.join(sections)}</main>"
        f'<script type="application/json" id="trials">{_json(data)}</script>'
        f"<script>{page.SCRIPT}</script></body></html>\n"
    )


def _view(frame: pd.DataFrame, x: str | None, y: str | None) -> View | None:
    """The front to show; None where no trial has finished. An axis asked for must be there all the same."""
    try:
        view = View.of(frame, x, y)
    except InputError:
        if x or y:
            raise
        return None
    return view if len(view.front) else None


def _json(data: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _header(study: StoredStudy, frame: pd.DataFrame) -> str:
    spec = study.spec
    space = study.space.get("name") or spec.get("space")
    said = [
        str(word) for word in (space, *(spec.get(key) for key in ("sampler", "evaluator", "data"))) if word
    ]
    counts = frame["status"].value_counts()
    became = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    line = " · ".join([*said, f"{len(frame)} trials{f' ({became})' if became else ''}"])
    return (
        f'<header><div><h1>{escape(study.name)}</h1><p class="quiet">{escape(line)}</p></div>'
        '<button id="theme" type="button">light / dark</button></header>'
    )


def _tiles(study: StoredStudy, view: View) -> str:
    best = view.front.iloc[0]
    frame = view.frame
    finished = int(frame["status"].isin(FINISHED).sum())
    tiles = [
        (_value(view.y.column, best[view.y.column]), f"best {view.y.title.lower()}, trial {best['number']}"),
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
        tiles.append((_value("seconds", spent), "spent on evaluation"))
    body = "".join(f'<div class="tile"><b>{escape(v)}</b><span>{escape(w)}</span></div>' for v, w in tiles)
    return f'<div class="tiles">{body}</div>'


def _value(column: str, value: float) -> str:
    return axis(column, [float(value)]).text(float(value))


def _both(draw: Callable[..., str], view: View, wide: tuple[int, int], narrow: tuple[int, int]) -> str:
    """A chart in two shapes, of which the style sheet shows the one that suits the window."""
    return draw(view, *wide, "wide") + draw(view, *narrow, "narrow")


def _front(study: StoredStudy, view: View) -> str:
    first = view.front["number"].iloc[0]
    chart = _both(charts.front_chart, view, (700, 480), (380, 380))
    drawn = any(t.architecture is not None for t in study.trials)
    compared = against_stock(Networks(study.merit, study.trials), study.trials)
    stock = f"<p>{escape(compared.sentence())}.</p>" if compared is not None else ""
    hint = "Point at a trial to see its network; " if drawn else "Point at a trial to see what it chose; "
    return (
        f"<h2>{escape(view.y.title)} against {escape(view.x.title)}</h2>"
        f'<p class="quiet">{hint}later trials are darker, the front is the line'
        f"{', crosses are stock networks' if stock else ''}.</p>{stock}"
        f'<div class="split"><div id="front">{chart}</div>'
        f'<div class="card" id="panel" data-first="{first}"></div></div>'
    )


def _progress(view: View) -> str:
    size = ((560, 300), (380, 260))
    return (
        f'<h2>Progress</h2><p class="quiet">Reference of the hypervolume: {escape(view.reference_text)}, the worst'
        " of the finished trials.</p>"
        f'<div class="pair"><div>{_both(charts.progress_chart, view, *size)}</div>'
        f"<div>{_both(charts.hypervolume_chart, view, *size)}</div></div>"
    )


def _importance(view: View) -> str:
    """The ten decisions that explain most, as bars; nothing where there is nothing to tell."""
    if view.frame.loc[eligible(view.frame), view.y.column].nunique() < 2:
        return ""
    table = importance(view.frame, view.y.column).head(10)
    table = table[table["importance"] > 0]
    if table.empty:
        return ""
    largest = float(table["importance"].max())
    rows = "".join(
        f'<span class="name">{escape(name)}</span><span class="track"><div class="fill{"" if share > noise else " chance"}"'
        f' style="width:{100 * share / largest:.1f}%" title="{100 * share:.1f} %"></div></span>'
        f'<span class="quiet best">{100 * share:.1f} %, best: {escape(str(best))}</span>'
        for name, share, noise, best in table[["decision", "importance", "noise", "best"]].itertuples(
            index=False, name=None
        )
    )
    return (
        "<h2>Decisions that mattered</h2>"
        f'<p class="quiet">Share of the variance of {escape(view.y.title.lower())} that each decision explains on its'
        f' own (ω²); grey is no more than chance.</p><div class="bars">{rows}</div>'
    )


def _networks(study: StoredStudy, view: View) -> str:
    """The best, the knee and the cheapest of the front, drawn."""
    members = view.front.reset_index(drop=True)
    knee = pareto.knee(view.points(members), view.directions)
    cheapest = int(np.argmin(view.points(members)[:, 0] * (1 if view.directions[0] == "minimize" else -1)))
    named: dict[int, str] = {}
    for row, word in ((0, "Best"), (knee, "Knee"), (cheapest, "Cheapest")):
        if row is not None:
            named.setdefault(row, word)
    cards = []
    for row, word in named.items():
        number = int(members["number"].iloc[row])
        network = _network(study.trial(number))
        if network is None:
            continue
        line = _line(members.iloc[row], view)
        cards.append(
            f'<div class="card"><h3>{word}: trial {number}</h3><p class="quiet">{escape(line)}</p>'
            f"{drawing.svg(network, embedded=True)}</div>"
        )
    if not cards:
        return ""
    hidden = "".join(f'<div hidden id="network-{n}">{svg}</div>' for n, svg in _drawings(study, view).items())
    types = [n for n in drawing.COLORED if n != "other"]
    key = "".join(f'<span><i style="background:var(--block-{n})"></i>{n}</span>' for n in types)
    legend = f'<p class="legend quiet">{key}<span>bars: MACs</span></p>'
    return f'<h2>Networks of the front</h2>{legend}<div class="cards">{"".join(cards)}</div>{hidden}'


def _line(row: pd.Series, view: View) -> str:
    """The two axes and the parameters of a network in a line."""
    columns = dict.fromkeys((view.y.column, view.x.column, "params"))
    known = [
        (_value(c, row[c]), lowered(title(c)) if c in COSTS else "") for c in columns if pd.notna(row[c])
    ]
    return ", ".join(f"{value} {words}".rstrip() for value, words in known)


def _drawings(study: StoredStudy, view: View) -> dict[int, str]:
    numbers = view.front["number"].tolist()[:_DRAWN]
    networks = {n: _network(study.trial(n)) for n in numbers}
    return {n: drawing.svg(a, embedded=True) for n, a in networks.items() if a is not None}


def _network(trial: TrialResult) -> Architecture | None:
    return None if trial.architecture is None else from_dict(trial.architecture)


def _family(study: StoredStudy, view: View) -> str:
    """The best network scaled up by the compound rule, with its costs."""
    number = int(view.front["number"].iloc[0])
    base = _network(study.trial(number))
    if base is None:
        return ""
    rows = []
    for phi in _PHIS:
        network = compound(base, phi)
        cost = costs(network)
        cells = (f"φ = {phi}", str(network.resolution), str(len(network.blocks)), count(cost.params), count(cost.macs),
                 _value("activation_bytes", cost.activation_bytes))  # fmt: skip
        rows.append("".join(f"<td>{c}</td>" for c in cells))
    heads = ("scale", "resolution (px)", "blocks", "parameters", "MACs", "activation memory")
    command = shlex.join(["nascale", "scale", "family", f"{study.name}:{number}", "--phi", "0..3"])
    return (
        f'<h2>The winner, scaled</h2><p class="quiet">Trial {number} grown by 1.2^φ in depth, 1.1^φ in width and'
        " 1.15^φ in resolution (Tan &amp; Le 2019); arithmetic, not trained.</p>"
        f'<div class="scroll"><table><thead><tr>{"".join(f"<th>{h}</th>" for h in heads)}</tr></thead>'
        f"<tbody>{''.join(f'<tr>{r}</tr>' for r in rows)}</tbody></table></div><pre>{escape(command)}</pre>"
    )


def _table(view: View) -> str:
    front = view.front
    columns = [view.y.column, view.x.column, *MEASURED_FIGURES, *COSTS, "epochs", "seconds"]
    shown = [c for c in dict.fromkeys(columns) if front[c].notna().any()]
    axes = {c: axis(c, front[c].dropna().astype("float64")) for c in shown}
    heads = "".join(f"<th>{escape(axes[c].title)}</th>" for c in shown)
    rows = "".join(
        f"<tr><td>{int(row['number'])}</td>"
        + "".join(
            f"<td>{'–' if pd.isna(row[c]) else escape(axes[c].text(float(row[c])))}</td>" for c in shown
        )
        + f'<td class="words">{escape(str(row["key"]))}</td></tr>'
        for _, row in front.iterrows()
    )
    return (
        f'<h2>The front</h2><div class="scroll"><table><thead><tr><th>Trial</th>{heads}<th class="words">Key</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _again(study: StoredStudy, command: str) -> str:
    rows = [(f"spec: {key}", str(value)) for key, value in study.spec.items() if value is not None]
    rows += facts(study.provenance)
    body = "".join(f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in rows)
    again = (
        '<p class="quiet">The same spec and seed propose the same networks. <button type="button" data-copy="again">'
        f'copy</button></p><pre id="again">{escape(command)}</pre>'
    )
    return (
        f"<h2>To run it again</h2>{again if command else ''}"
        f'<div class="scroll"><table class="facts"><tbody>{body}</tbody></table></div>'
    )


def _facts(row: pd.Series, view: View) -> list[tuple[str, str]]:
    """(what, value) of one trial, the axes first."""
    columns = dict.fromkeys(
        [view.y.column, view.x.column, "accuracy", *MEASURED_FIGURES, *COSTS, "epochs", "seconds"]
    )
    known = [(c, float(row[c])) for c in columns if pd.notna(row[c])]
    return [(title(c), _value(c, v)) for c, v in known]


def _details(study: StoredStudy, view: View) -> Mapping[str, Any]:
    """Number → what the panel says: title, facts, and the blocks of a network that is not drawn."""
    rows = view.frame.loc[eligible(view.frame) | stock_rows(view.frame)]
    drawn = set(view.front["number"].tolist()[:_DRAWN])
    details: dict[str, Any] = {}
    for position, (_, row) in enumerate(rows.iterrows()):
        number = int(row["number"])
        name = f": {row['stock']}" if pd.notna(row["stock"]) else ""
        entry: dict[str, Any] = {"title": f"Trial {number}{name}", "facts": _facts(row, view)}
        if number not in drawn and position < _DETAILED:
            entry["parts"] = _parts(study.trial(number))
        details[str(number)] = entry
    return details


def _parts(trial: TrialResult) -> Sequence[tuple[str, str]]:
    """The network in words, stage by stage; its decisions where there is no network."""
    network = _network(trial)
    if network is None:
        return [(name.removeprefix(DECISION), str(value)) for name, value in trial.decisions.items()]
    return [(part.section, part.description) for part in drawing.parts(network)]
