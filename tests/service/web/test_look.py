"""The style sheet: words can be read in light and in dark, and the files that templates name are in the package."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the service needs the extra nascale[serve]")

from results.plots.theme import DARK, LIGHT
from service.web.rendering import HERE, STATIC, percent, theme, when

READABLE = 4.5
"""The contrast of small text with its background (WCAG 2.2, 1.4.3)."""


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def colors(dark: bool) -> dict[str, str]:
    """The page's own colours and the theme's."""
    blocks = re.findall(r":root \{(.*?)\}", (STATIC / "app.css").read_text(), re.DOTALL)
    own = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1 if dark else 0]))
    look = DARK if dark else LIGHT
    return own | {"paper": look.paper, "ink": look.ink, "muted": look.muted, "front": look.front}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("words", "background"),
    [
        *(
            ("ink", name)
            for name in ("paper", "surface", "raised", "tint", "bad-tint", "warn-tint", "good-tint")
        ),
        *(("muted", name) for name in ("paper", "surface", "raised", "tint")),
        *(("accent", name) for name in ("paper", "surface", "tint")),
        ("accent-ink", "accent"),
        ("good", "good-tint"),
        ("bad", "bad-tint"),
        ("bad", "raised"),
        ("warn", "warn-tint"),
        ("front", "paper"),
    ],
)
def test_words_can_be_read(words: str, background: str, dark: bool) -> None:
    known = colors(dark)
    assert contrast(known[words], known[background]) >= READABLE


def test_the_contrast_is_that_of_its_definition() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_an_installed_package_has_what_the_page_needs() -> None:
    """The folder is no Python package, so setup must be told of it."""
    root = Path(__file__).parents[3]
    kept = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "service.web"
    ]
    files = [
        one.relative_to(HERE).as_posix()
        for folder in ("templates", "static")
        for one in (HERE / folder).iterdir()
    ]
    assert len(files) > 20
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in kept)] == []


def test_templates_name_files_that_are_there() -> None:
    named = set()
    for template in (HERE / "templates").iterdir():
        named |= set(re.findall(r'"/assets/([^"]+)"', template.read_text()))
    named |= set(re.findall(r"from '\./([^']+)'", "".join(f.read_text() for f in STATIC.glob("*.js"))))
    assert named - {"theme.css"} <= {file.name for file in STATIC.iterdir()}


def test_charts_have_the_colours_of_the_reports() -> None:
    assert LIGHT.front.encode() in theme() and DARK.front.encode() in theme()


def test_figures_in_words() -> None:
    assert (percent(0.9713), percent(None), percent(float("nan"))) == ("97.1 %", "–", "–")
    assert "2026-01-05T10:30:00+00:00" in when("2026-01-05T11:30:00+01:00")
    assert when(None) == "–"
