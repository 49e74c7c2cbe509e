"""From a template to a response: what templates may use, and the rules that a browser is given with every page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import HTMLResponse

from nascale.quantities import human_bytes, human_cost, human_count, human_seconds
from nascale.version import VERSION
from results.report.page import chart_style

HERE = Path(__file__).parent
STATIC = HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Scripts and styles from our own files alone; nothing inline, nothing from elsewhere."""
_HEADERS = {
    "content-security-policy": POLICY,
    # Under no-referrer a browser sends "Origin: null" with forms, and the guard would take them for another site's.
    "referrer-policy": "same-origin",
    "vary": "cookie",
}
_DASH = "–"


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The template as a response; what comes in ``context`` is escaped unless it is Markup."""
    text = environment().get_template(template).render(path=request.url.path, **context)
    return HTMLResponse(text.encode(errors="backslashreplace"), status, dict(_HEADERS))


@cache
def environment() -> Environment:
    """The templates, with the words for figures that they share."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "percent": percent,
        "points": lambda value: f"{100 * value:.2f} points",
        "count": _or_dash(human_count),
        "bytes": _or_dash(human_bytes),
        "seconds": _or_dash(human_seconds),
        "cost": lambda value, name: _or_dash(lambda v: human_cost(name, v))(value),
        "when": when,
        "segment": lambda name: quote(str(name), safe=""),
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    made.globals |= {"version": VERSION}
    return made


def percent(value: float | None, digits: int = 1) -> str:
    """0.9713 → ``97.1 %``; a dash where it is not known."""
    return _DASH if value is None or value != value else f"{100 * value:.{digits}f} %"


def _or_dash(write: Any) -> Any:
    return lambda value: _DASH if value is None or value != value else write(value)


def when(moment: datetime | str | None) -> Markup:
    """A time as the reader's script shows it, and as UTC without a script."""
    if moment is None:
        return Markup(_DASH)
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    told = known.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        told.isoformat(timespec="seconds"), told.strftime("%d %b %Y %H:%M UTC")
    )


@cache
def theme() -> bytes:
    """The style sheet of the charts, with the colours by the reader's system."""
    return chart_style().encode()


def study_path(name: str, *rest: object) -> str:
    """The address of a study's page, or of one below it."""
    return "/".join(["/studies", quote(name, safe=""), *map(str, rest)])


def plain(rows: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings as (name, value) for a table; those without a value are left out."""
    return [(name.replace("_", " "), str(value)) for name, value in rows.items() if value not in (None, "")]
