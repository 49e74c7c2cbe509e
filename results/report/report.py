"""One HTML file about a study that opens anywhere: no network, no second file, readable without its script.

The interactive front shows the network under the pointer; progress, importance, the best networks, the
winner scaled up, and what is needed to run the search again follow below it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from html import escape
from typing import Any

import pandas as pd

from results.columns import COSTS, DECISION, MEASURED_FIGURES
from results.frame import trials
from results.front import eligible, stock_rows
from results.networks import Networks
from results.plots import architecture as drawing
from results.plots.axes import axis, count
from results.plots.view import View
from results.provenance import facts, own_side
from results.report import page, sections
from results.stock import against_stock
from results.studies import Storage, StoredStudy, load
from results.trial_result import TrialResult
from space.architecture import Architecture
from space.cost import costs
from space.errors import BudgetError, InputError
from space.family import Member, family
from space.scaling.realised import Triple

_DETAILED = 400  # trials beyond the front whose blocks are listed under the pointer
_DRAWN = 24  # members of the front that are drawn under the pointer
_STEPS = (2, 4, 8)

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
    study: StoredStudy,
    *,
    x: str | None = None,
    y: str | None = None,
    repeat: Repeat | None = None,
    conclusions: Sequence[str] = (),
) -> str:
    """The report of a study that was loaded with its architectures, as HTML text.

    ``repeat`` words the command that repeats the search; without it the report does not show one. ``conclusions`` come
    first: what else is known of the search, each a line ``topic: what there is to say of it``.
    """
    frame = trials(study)
    view = sections.front_view(frame, x, y)
    parts = [_header(study, frame), _conclusions(conclusions)]
    if view is None:
        parts.append("<p>No finished trial yet: there is no front to show.</p>")
    else:
        parts += [
            sections.tiles(study, view),
            _front(study, view),
            f"<h2>Progress</h2>{sections.progress(view)}",
            _importance(view),
            _networks(study, view),
            _family(study, view),
            _table(view),
        ]
    parts.append(_again(study, repeat(study.name, study.spec) if repeat and study.spec else ""))
    data = {} if view is None else _details(study, view)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(study.name)} · nascale</title><style>{page.style()}</style></head><body><main>"
        f"{''.join(parts)}</main>"
        f'<script type="application/json" id="trials">{_json(data)}</script>'
        f"<script>{page.SCRIPT}</script></body></html>\n"
    )


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


def _conclusions(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    rows = "".join(
        f"<dt>{escape(topic)}</dt><dd>{escape(said)}</dd>"
        for topic, _, said in (line.partition(": ") for line in lines)
    )
    return f"<h2>What came of it</h2><dl>{rows}</dl>"


def _front(study: StoredStudy, view: View) -> str:
    first = view.front["number"].iloc[0]
    drawn = any(t.architecture is not None for t in study.trials)
    compared = against_stock(Networks(study.merit, study.trials), study.trials)
    stock = f"<p>{escape(compared.sentence())}.</p>" if compared is not None else ""
    hint = "Point at a trial to see its network; " if drawn else "Point at a trial to see what it chose; "
    return (
        f"<h2>{escape(view.y.title)} against {escape(view.x.title)}</h2>"
        f'<p class="quiet">{hint}later trials are darker, the front is the line'
        f"{', crosses are stock networks' if stock else ''}.</p>{stock}"
        f'<div class="split"><div id="front">{sections.front(view)}</div>'
        f'<div class="card" id="panel" data-first="{first}"></div></div>'
    )


def _importance(view: View) -> str:
    bars = sections.importance_bars(view)
    return bars and f"<h2>Decisions that mattered</h2>{bars}"


def _networks(study: StoredStudy, view: View) -> str:
    """The best, the knee and the cheapest of the front, drawn."""
    named, cards = sections.named_members(view), []
    for _, row in view.front.iterrows():
        number = int(row["number"])
        if number not in named:
            continue
        network = sections.network_of(study.trial(number))
        if network is None:
            continue
        line = sections.summary_line(row, view)
        cards.append(
            f'<div class="card"><h3>{named[number]}: trial {number}</h3><p class="quiet">{escape(line)}</p>'
            f"{drawing.svg(network, embedded=True)}</div>"
        )
    if not cards:
        return ""
    hidden = "".join(f'<div hidden id="network-{n}">{svg}</div>' for n, svg in _drawings(study, view).items())
    return f'<h2>Networks of the front</h2>{sections.block_key()}<div class="cards">{"".join(cards)}</div>{hidden}'


def _drawings(study: StoredStudy, view: View) -> dict[int, str]:
    numbers = view.front["number"].tolist()[:_DRAWN]
    networks = {n: sections.network_of(study.trial(n)) for n in numbers}
    return {n: drawing.svg(a, embedded=True) for n, a in networks.items() if a is not None}


def _family(study: StoredStudy, view: View) -> str:
    """The best network scaled up along the compound ray, with its costs."""
    number = int(view.front["number"].iloc[0])
    base = sections.network_of(study.trial(number))
    if base is None:
        return ""
    own = costs(base).macs
    budgets = [float(f"{step * own:.3g}") for step in _STEPS]
    rows: list[tuple[str, Architecture, Triple]] = [("as it is", base, (1.0, 1.0, 1.0))]
    members: Sequence[Member] = ()
    with suppress(BudgetError, InputError):
        members = family(
            base,
            budgets,
            lambda network: float(costs(network).macs),
            max_resolution=own_side(study.attributes),
        )
    rows += [(f"{count(one.budget or 0)} MACs", one.architecture, one.realised) for one in members]
    cells = []
    for name, network, (depth, width, resolution) in rows:
        cost = costs(network)
        shown = (name, f"{depth:.2f}", f"{width:.2f}", f"{resolution:.2f} ({network.resolution} px)", count(cost.params),
                 count(cost.macs), sections.value_text("activation_bytes", cost.activation_bytes))  # fmt: skip
        cells.append("".join(f"<td>{c}</td>" for c in shown))
    heads = ("budget", "depth ×", "width ×", "resolution ×", "parameters", "MACs", "activation memory")
    listed = ",".join(f"{budget:.0f}" for budget in budgets)
    command = shlex.join(["nascale", "scale", "family", f"{study.name}:{number}", "--budgets", listed])
    return (
        f'<h2>The winner, scaled</h2><p class="quiet">Trial {number} grown along 1.2^φ in depth, 1.1^φ in width and'
        " 1.15^φ in resolution (Tan &amp; Le 2019), as evenly as whole layers, channels and pixels allow; arithmetic, not"
        " trained.</p>"
        f'<div class="scroll"><table><thead><tr>{"".join(f"<th>{h}</th>" for h in heads)}</tr></thead>'
        f"<tbody>{''.join(f'<tr>{r}</tr>' for r in cells)}</tbody></table></div><pre>{escape(command)}</pre>"
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


def _details(study: StoredStudy, view: View) -> Mapping[str, Any]:
    """Number → what the panel says: title, facts, and the blocks of a network that is not drawn."""
    rows = view.frame.loc[eligible(view.frame) | stock_rows(view.frame)]
    drawn = set(view.front["number"].tolist()[:_DRAWN])
    details: dict[str, Any] = {}
    for position, (_, row) in enumerate(rows.iterrows()):
        number = int(row["number"])
        name = f": {row['stock']}" if pd.notna(row["stock"]) else ""
        entry: dict[str, Any] = {"title": f"Trial {number}{name}", "facts": sections.figures_of(row, view)}
        if number not in drawn and position < _DETAILED:
            entry["parts"] = _parts(study.trial(number))
        details[str(number)] = entry
    return details


def _parts(trial: TrialResult) -> Sequence[tuple[str, str]]:
    """The network in words, stage by stage; its decisions where there is no network."""
    network = sections.network_of(trial)
    if network is None:
        return [(name.removeprefix(DECISION), str(value)) for name, value in trial.decisions.items()]
    return [(part.section, part.description) for part in drawing.parts(network)]
